//! Data events: how they are sent, checked, and handed back.
//!
//! The rules are those of Intercom's reference: metadata is flat, its first ten keys count, a time is in unix seconds.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::answer::ApiError;
use super::call::{PER_PAGE, per_page};

/// Metadata keys beyond these are ignored.
const METADATA_KEYS: usize = 10;

/// Events older than this are not listed one by one.
pub(super) const LISTED_DAYS: i64 = 90;

/// The longest name of an event, and the longest identifier of a contact.
const MAX_NAME_CHARS: usize = 255;

/// The last time that is taken for unix seconds: the year 2286. More is a time in milliseconds.
const MAX_TIME_S: i64 = 9_999_999_999;

/// Summaries in one request.
const MAX_SUMMARIES: usize = 100;

/// How a request names a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Id(String),
    UserId(String),
    Email(String),
}

impl Who {
    pub(super) fn value(&self) -> &str {
        match self {
            Self::Id(value) | Self::UserId(value) | Self::Email(value) => value,
        }
    }

    /// The contact that an identifier stands for while no contacts have been named: every one is known, but for those
    /// that begin with `missing`.
    pub(super) fn made_up(&self) -> Option<Contact> {
        if self.value().starts_with("missing") {
            return None;
        }
        let (kind, user_id, email) = match self {
            Self::Id(id) => return Some(Contact { id: id.clone(), user_id: None, email: None }),
            Self::UserId(user_id) => ("user_id", Some(user_id.clone()), None),
            Self::Email(email) => ("email", None, Some(email.clone())),
        };
        let hash = Sha256::digest(format!("{kind}:{}", self.value()));
        Some(Contact { id: base16ct::lower::encode_string(&hash[..12]), user_id, email })
    }
}

/// Somebody whom events can be about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Intercom's id.
    pub id: String,
    /// The owner's id.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The email address.
    #[serde(default)]
    pub email: Option<String>,
}

/// An event to be kept.
#[derive(Clone, Debug)]
pub(super) struct NewEvent {
    pub(super) who: Who,
    pub(super) name: String,
    pub(super) created_at: i64,
    pub(super) metadata: Metadata,
}

/// A summary to be kept in place of the one that is there.
#[derive(Clone, Debug)]
pub(super) struct NewSummary {
    pub(super) name: String,
    pub(super) count: i64,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// An event as it is held.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) seq: i64,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created_at: i64,
    /// A JSON object.
    pub(super) metadata: String,
}

impl Event {
    pub(super) fn json(&self, contact: &Contact) -> Value {
        let mut event = json!({
            "type": "event", "id": self.id, "event_name": self.name, "created_at": self.created_at,
            "intercom_user_id": contact.id,
            "metadata": serde_json::from_str::<Value>(&self.metadata).unwrap_or_else(|_| json!({})),
        });
        for (key, value) in [("user_id", &contact.user_id), ("email", &contact.email)] {
            if let Some(value) = value {
                event[key] = json!(value);
            }
        }
        event
    }
}

/// How often an event came, and when.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub(super) name: String,
    pub(super) count: i64,
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Summary {
    pub(super) fn json(&self) -> Value {
        json!({"name": self.name, "first": written(self.first), "last": written(self.last), "count": self.count})
    }
}

/// `2014-01-16T23:12:21.000+00:00`, as summaries write times.
fn written(time_s: i64) -> String {
    jiff::Timestamp::from_second(time_s)
        .map_or_else(|_| time_s.to_string(), |time| time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00").to_string())
}

/// A listing of a contact's events.
#[derive(Clone, Debug)]
pub(super) struct EventQuery {
    pub(super) who: Who,
    pub(super) summary: bool,
    pub(super) per_page: u64,
    /// Only events that come after this one in the listing: its time and its place.
    pub(super) before: Option<(i64, i64)>,
}

impl EventQuery {
    pub(super) fn read(query: &str) -> Result<Self, ApiError> {
        let (mut kind, mut summary, mut items, mut before) = (None, false, PER_PAGE, None);
        let (mut id, mut user_id, mut email) = (None, None, None);
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match key.as_ref() {
                "type" => kind = Some(value.into_owned()),
                "summary" => summary = value == "true",
                "per_page" => items = per_page(&value)?,
                "before" => before = Some(place(&value)?),
                "intercom_user_id" => id = Some(value.into_owned()),
                "user_id" => user_id = Some(value.into_owned()),
                "email" => email = Some(value.into_owned()),
                _ => {}
            }
        }
        if kind.as_deref() != Some("user") {
            return Err(ApiError::parameter("type", "type must be user"));
        }
        let who = who(id, user_id, email)?;
        Ok(Self { who, summary, per_page: items, before })
    }

    /// The query of the next page, which begins after an event.
    pub(super) fn next(&self, last: &Event) -> String {
        let key = match self.who {
            Who::Id(_) => "intercom_user_id",
            Who::UserId(_) => "user_id",
            Who::Email(_) => "email",
        };
        form_urlencoded::Serializer::new(String::new())
            .append_pair("type", "user")
            .append_pair(key, self.who.value())
            .append_pair("per_page", &self.per_page.to_string())
            .append_pair("before", &format!("{}-{}", last.created_at, last.seq))
            .finish()
    }
}

fn place(value: &str) -> Result<(i64, i64), ApiError> {
    value
        .split_once('-')
        .and_then(|(time, seq)| Some((time.parse().ok()?, seq.parse().ok()?)))
        .ok_or_else(|| ApiError::parameter("before", "before is no place in a listing"))
}

fn who(id: Option<String>, user_id: Option<String>, email: Option<String>) -> Result<Who, ApiError> {
    let given = |value: Option<String>| value.filter(|value| !value.is_empty());
    let who = given(id)
        .map(Who::Id)
        .or_else(|| given(user_id).map(Who::UserId))
        .or_else(|| given(email).map(Who::Email))
        .ok_or_else(|| ApiError {
            field: Some("user_id".into()),
            ..ApiError::new(400, "parameter_not_found", "one of user_id, email and the contact's id is required")
        })?;
    if who.value().chars().count() > MAX_NAME_CHARS {
        return Err(ApiError::parameter("user_id", "the identifier of the contact is too long"));
    }
    Ok(who)
}

fn name(field: &'static str, name: String) -> Result<String, ApiError> {
    if name.trim().is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(ApiError::parameter(field, format!("{field} must have 1 to {MAX_NAME_CHARS} characters")));
    }
    Ok(name)
}

fn time(field: &'static str, time_s: i64) -> Result<i64, ApiError> {
    if (0..=MAX_TIME_S).contains(&time_s) {
        Ok(time_s)
    } else {
        Err(ApiError::parameter(field, format!("{field} must be a time in unix seconds")))
    }
}

/// `POST /events` as it is sent.
#[derive(Deserialize)]
pub(super) struct EventJson {
    event_name: String,
    created_at: i64,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

impl EventJson {
    pub(super) fn check(self) -> Result<NewEvent, ApiError> {
        let metadata = self.metadata.unwrap_or_default();
        metadata.check()?;
        Ok(NewEvent {
            who: who(self.id, self.user_id, self.email)?,
            name: name("event_name", self.event_name)?,
            created_at: time("created_at", self.created_at)?,
            metadata,
        })
    }
}

/// `POST /events/summaries` as it is sent: one summary, or a list of them.
#[derive(Deserialize)]
pub(super) struct SummariesJson {
    user_id: String,
    event_summaries: OneOrMany,
}

impl SummariesJson {
    pub(super) fn check(self) -> Result<(Who, Vec<NewSummary>), ApiError> {
        let who = who(None, Some(self.user_id), None)?;
        let summaries = self.event_summaries.0;
        if summaries.is_empty() || summaries.len() > MAX_SUMMARIES {
            return Err(ApiError::parameter("event_summaries", format!("1 to {MAX_SUMMARIES} summaries are taken")));
        }
        let summaries = summaries.into_iter().map(|summary| {
            if summary.count < 0 || summary.first > summary.last {
                return Err(ApiError::parameter("event_summaries", "count or first and last make no sense"));
            }
            Ok(NewSummary {
                name: name("event_name", summary.event_name)?,
                count: summary.count,
                first: time("first", summary.first)?,
                last: time("last", summary.last)?,
            })
        });
        Ok((who, summaries.collect::<Result<_, _>>()?))
    }
}

#[derive(Deserialize)]
struct SummaryJson {
    event_name: String,
    count: i64,
    first: i64,
    last: i64,
}

struct OneOrMany(Vec<SummaryJson>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event summary with event_name, count, first and last, or an array of them")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany, A::Error> {
                SummaryJson::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    .map(|one| OneOrMany(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMany, A::Error> {
                let mut many = Vec::new();
                while let Some(item) = items.next_element()? {
                    if many.len() <= MAX_SUMMARIES {
                        many.push(item);
                    }
                }
                Ok(OneOrMany(many))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// An event's metadata in the order that it was sent in, its first ten keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Metadata(Vec<(String, Value)>);

impl Metadata {
    fn check(&self) -> Result<(), ApiError> {
        for (key, value) in &self.0 {
            let flat = match value {
                Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => true,
                Value::Array(_) => false,
                Value::Object(parts) => {
                    let has = |key: &str| parts.contains_key(key);
                    parts.len() == 2 && ((has("url") && has("value")) || (has("amount") && has("currency")))
                }
            };
            if !flat {
                let message =
                    format!("metadata `{key}` is nested: only {{url, value}} and {{amount, currency}} may be");
                return Err(ApiError::parameter("metadata", message));
            }
            if key.ends_with("_date") && !value.is_i64() && !value.is_null() {
                return Err(ApiError::parameter("metadata", format!("metadata `{key}` must be in unix seconds")));
            }
        }
        Ok(())
    }

    /// As a JSON object, keys in their order.
    pub(super) fn to_json(&self) -> String {
        let mut text = String::from("{");
        for (index, (key, value)) in self.0.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(&Value::from(key.as_str()).to_string());
            text.push(':');
            text.push_str(&value.to_string());
        }
        text.push('}');
        text
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Metadata;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                let mut pairs: Vec<(String, Value)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if pairs.len() < METADATA_KEYS && pairs.iter().all(|(known, _)| *known != key) {
                        pairs.push((key, value));
                    }
                }
                Ok(Metadata(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::call::{Call, Route};

    fn submit(body: &str) -> Result<NewEvent, ApiError> {
        match Call::read(Route::SubmitEvent, "", "", body.as_bytes())? {
            Call::SubmitEvent(event) => Ok(event),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_ten_metadata_keys_are_kept_in_order() {
        let metadata: Vec<String> = (0..12).rev().map(|n| format!(r#""k{n}":{n}"#)).collect();
        let body = format!(r#"{{"event_name":"e","created_at":1,"id":"c","metadata":{{{}}}}}"#, metadata.join(","));
        let kept = submit(&body).unwrap().metadata.to_json();
        assert!(kept.starts_with(r#"{"k11":11,"k10":10"#) && kept.ends_with(r#""k2":2}"#), "{kept}");
    }

    #[test]
    fn events_that_will_not_do_name_their_field() {
        for (parts, field) in [
            (r#""created_at":1,"id":"c""#, "event_name"),
            (r#""event_name":" ","created_at":1,"id":"c""#, "event_name"),
            (r#""event_name":"e","id":"c""#, "created_at"),
            (r#""event_name":"e","created_at":1700000000000,"id":"c""#, "created_at"),
            (r#""event_name":"e","created_at":1"#, "user_id"),
            (r#""event_name":"e","created_at":1,"id":"c","metadata":{"a":{"b":1}}"#, "metadata"),
            (r#""event_name":"e","created_at":1,"id":"c","metadata":{"a":[1]}"#, "metadata"),
            (r#""event_name":"e","created_at":1,"id":"c","metadata":{"x_date":"2024"}"#, "metadata"),
            (r#""event_name":"e","created_at":1,"id":"c","metadata":5"#, "metadata"),
        ] {
            let error = submit(&format!("{{{parts}}}")).unwrap_err();
            assert_eq!((error.status, error.field.as_deref()), (400, Some(field)), "{parts}");
        }
        let rich = r#"{"event_name":"e","created_at":1,"email":"a@b","metadata":
            {"a":{"url":"https://e.com","value":"x"},"p":{"amount":1,"currency":"eur"},"x_date":5}}"#;
        assert_eq!(submit(rich).unwrap().who, Who::Email("a@b".into()));
    }

    #[test]
    fn summaries_come_alone_or_as_a_list() {
        let read = |summaries: &str| {
            let body = format!(r#"{{"user_id":"u","event_summaries":{summaries}}}"#);
            match Call::read(Route::SummarizeEvents, "", "", body.as_bytes()) {
                Ok(Call::SummarizeEvents(_, summaries)) => Ok(summaries.len()),
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error.status),
            }
        };
        let one = r#"{"event_name":"e","count":1,"first":1,"last":2}"#;
        assert_eq!(read(one), Ok(1));
        assert_eq!(read(&format!("[{one},{one}]")), Ok(2));
        assert_eq!(read("[]"), Err(400));
        assert_eq!(read("5"), Err(400));
        assert_eq!(read(r#"{"event_name":"e","count":1,"first":3,"last":2}"#), Err(400));
    }

    #[test]
    fn a_next_page_names_the_same_contact() {
        let query = EventQuery::read("type=user&email=a%2Bb%40c.d&per_page=2").unwrap();
        let last = Event { seq: 7, id: String::new(), name: String::new(), created_at: 9, metadata: String::new() };
        let next = EventQuery::read(&query.next(&last)).unwrap();
        assert_eq!((next.who, next.per_page, next.before), (query.who, 2, Some((9, 7))));
        assert_eq!(EventQuery::read("user_id=u").unwrap_err().field.as_deref(), Some("type"));
    }
}
