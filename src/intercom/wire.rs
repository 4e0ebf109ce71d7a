//! Intercom's JSON: what is sent, and how answers are read.
//!
//! Knows the fields of the OpenAPI description 2.16 and nothing of HTTP. Keeps: answers are read leniently (an id may be
//! a string or a number, fields and values that nobody knows are passed over), requests are written strictly.

use std::fmt;

use serde::de::{self, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::page::{ExternalId, ImportSourceId, Page, PageId, Switches};
use crate::remote::{ImportSource, ImportSourceChange, Listing, RemotePage, SentSwitches};

/// The only sync behaviour of sources that are fed through the API.
const API: &str = "api";
/// The longest query of a listing that is followed.
const QUERY_MAX_BYTES: usize = 4096;

/// The body of `POST /ai/external_pages`.
#[derive(Serialize)]
pub(super) struct Upsert<'a> {
    title: &'a str,
    html: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ai_agent_availability: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ai_copilot_availability: Option<bool>,
    locale: &'a str,
    source_id: ImportSourceId,
    external_id: &'a ExternalId,
}

impl<'a> Upsert<'a> {
    pub(super) fn new(source: ImportSourceId, page: &'a Page, switches: SentSwitches) -> Self {
        Self {
            title: &page.title,
            html: &page.html,
            url: page.url.as_deref(),
            ai_agent_availability: switches.ai_agent,
            ai_copilot_availability: switches.ai_copilot,
            locale: &page.locale,
            source_id: source,
            external_id: &page.external_id,
        }
    }
}

/// The body of `PUT /ai/external_pages/{page_id}`: other than an upsert it needs the url and carries no switches.
#[derive(Serialize)]
pub(super) struct Replacement<'a> {
    pub(super) title: &'a str,
    pub(super) html: &'a str,
    pub(super) url: &'a str,
    pub(super) locale: &'a str,
    pub(super) source_id: ImportSourceId,
    pub(super) external_id: &'a ExternalId,
}

/// The body of `POST` and `PUT` of an import source; both require the first two fields.
#[derive(Serialize)]
pub(super) struct SourceBody<'a> {
    sync_behavior: &'static str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience_ids: Option<&'a [i64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apply_audience_to_existing_content: Option<bool>,
}

impl<'a> SourceBody<'a> {
    pub(super) fn create(url: &'a str, audience_ids: &'a [i64]) -> Self {
        Self {
            sync_behavior: API,
            url,
            status: None,
            audience_ids: (!audience_ids.is_empty()).then_some(audience_ids),
            apply_audience_to_existing_content: None,
        }
    }

    pub(super) fn change(url: &'a str, change: &'a ImportSourceChange) -> Self {
        Self {
            sync_behavior: API,
            url,
            status: change.active.map(|active| if active { "active" } else { "deactivated" }),
            audience_ids: change.audience_ids.as_deref(),
            apply_audience_to_existing_content: change.audience_ids.as_ref().map(|_| true),
        }
    }
}

/// An external page in an answer.
#[derive(Deserialize)]
pub(super) struct PageAnswer {
    id: Text,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    html: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    ai_agent_availability: Option<bool>,
    #[serde(default)]
    ai_copilot_availability: Option<bool>,
    #[serde(default)]
    fin_availability: Option<bool>,
    #[serde(default)]
    source_id: Option<Number>,
    #[serde(default)]
    external_id: Option<Text>,
}

impl PageAnswer {
    /// A page of a listing, which may be anybody's. One that names no source or external id gets ids that none of ours has.
    fn listed(self) -> RemotePage {
        let fin = self.fin_availability.unwrap_or(false);
        RemotePage {
            id: PageId::new(self.id.0),
            external_id: self.external_id.unwrap_or_default().exact(),
            source_id: ImportSourceId(self.source_id.map_or(0, |id| id.0)),
            title: self.title.unwrap_or_default(),
            html: self.html.unwrap_or_default(),
            url: self.url.filter(|url| !url.is_empty()),
            locale: self.locale.unwrap_or_else(|| "en".into()),
            switches: Switches {
                ai_agent: self.ai_agent_availability.unwrap_or(fin),
                ai_copilot: self.ai_copilot_availability.unwrap_or(fin),
            },
        }
    }

    /// The answer to a request about one page; `Err` says what it is of instead.
    pub(super) fn of(
        self,
        id: Option<&PageId>,
        sent: Option<(ImportSourceId, &ExternalId)>,
    ) -> Result<RemotePage, String> {
        if let Some(id) = id
            && id.as_str() != self.id.0
        {
            return Err(format!("the answer is of page `{}`", printable(&self.id.0)));
        }
        if let Some((source, external_id)) = sent {
            if let Some(other) = self.external_id.as_ref().filter(|text| text.0 != external_id.as_str()) {
                return Err(format!("the answer is of external_id `{}`", printable(&other.0)));
            }
            if let Some(other) = self.source_id.as_ref().filter(|number| number.0 != source.0) {
                return Err(format!("the answer is of import source {}", other.0));
            }
        }
        if self.id.0.is_empty() {
            return Err("the answer has an empty page id".into());
        }
        let mut page = self.listed();
        if let Some((source, external_id)) = sent {
            page.source_id = source;
            page.external_id = external_id.clone();
        }
        Ok(page)
    }
}

/// An import source in an answer.
#[derive(Deserialize)]
pub(super) struct SourceAnswer {
    id: Number,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    sync_behavior: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    created_at: Option<Value>,
    #[serde(default)]
    audience_ids: Option<Audience>,
}

impl From<SourceAnswer> for ImportSource {
    fn from(answer: SourceAnswer) -> Self {
        let created_at = answer.created_at.as_ref().and_then(|value| match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        });
        Self {
            id: ImportSourceId(answer.id.0),
            url: answer.url.unwrap_or_default(),
            api: answer.sync_behavior.as_deref() == Some(API),
            active: answer.status.as_deref() != Some("deactivated"),
            audience_ids: match answer.audience_ids {
                None => Vec::new(),
                Some(Audience::One(id)) => vec![id.0],
                Some(Audience::Many(ids)) => ids.into_iter().map(|id| id.0).collect(),
            },
            created_at: created_at.unwrap_or(0),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(Number),
    Many(Vec<Number>),
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pages: Option<Pages>,
    #[serde(default)]
    total_count: Option<Number>,
}

#[derive(Deserialize)]
struct Pages {
    #[serde(default)]
    next: Value,
}

impl<T> List<T> {
    /// How many items all pages of the list have.
    pub(super) fn total(&self) -> Option<u64> {
        self.total_count.as_ref().and_then(|count| u64::try_from(count.0).ok())
    }

    /// The query of the next page: the only part of `pages.next` that is used, so that the token goes to no other host.
    pub(super) fn next_query(&self) -> Result<Option<String>, String> {
        let query = match self.pages.as_ref().map(|pages| &pages.next) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(url)) if url.is_empty() => return Ok(None),
            Some(Value::String(url)) => {
                let url = url.split_once('#').map_or(url.as_str(), |(url, _)| url);
                url.split_once('?').map_or_else(String::new, |(_, query)| query.to_owned())
            }
            Some(Value::Object(parts)) => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                for (name, value) in parts {
                    match value {
                        Value::String(text) => query.append_pair(name, text),
                        Value::Number(number) => query.append_pair(name, &number.to_string()),
                        _ => &mut query,
                    };
                }
                query.finish()
            }
            Some(_) => String::new(),
        };
        if query.is_empty() || query.len() > QUERY_MAX_BYTES {
            return Err("`pages.next` of the answer has no usable query".into());
        }
        Ok(Some(query))
    }
}

impl List<PageAnswer> {
    /// The list as a listing of the workspace.
    pub(super) fn into_listing(self) -> Result<Listing, String> {
        let (next, total_count) = (self.next_query()?.map(crate::remote::Cursor), self.total());
        Ok(Listing { pages: self.data.into_iter().map(PageAnswer::listed).collect(), next, total_count })
    }
}

/// An error in Intercom's form; what has no `errors` is somebody else's.
#[derive(Deserialize, Default)]
pub(super) struct ErrorList {
    #[serde(default)]
    pub(super) request_id: Option<String>,
    pub(super) errors: Vec<ErrorItem>,
}

/// One of its errors.
#[derive(Deserialize, Default)]
pub(super) struct ErrorItem {
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) field: Option<String>,
}

/// Text from an answer, fit for a message: no control characters, not endless.
pub(super) fn printable(text: &str) -> String {
    const MAX_CHARS: usize = 300;
    let mut shown: String = text.chars().take(MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// A string that may come as a number.
#[derive(Default)]
struct Text(String);

impl Text {
    /// As it is: an id that we would write otherwise is not ours, and must not look as if it were.
    fn exact(self) -> ExternalId {
        let text: de::value::StringDeserializer<de::value::Error> = self.0.into_deserializer();
        ExternalId::deserialize(text).expect("a text id is read from any string")
    }
}

/// An integer that may come as a string.
struct Number(i64);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl Visitor<'_> for Lenient {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an integer")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_string<E: de::Error>(self, text: String) -> Result<Text, E> {
                Ok(Text(text))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl Visitor<'_> for Lenient {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer or a string of one")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::custom("expected an integer"))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                i64::try_from(number).map(Number).map_err(|_| E::custom("integer too large"))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number))
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(json: &str) -> Result<Listing, String> {
        serde_json::from_str::<List<PageAnswer>>(json).unwrap().into_listing()
    }

    fn next(json: &str) -> Result<Option<String>, String> {
        Ok(listing(&format!(r#"{{"data": [], "pages": {{"next": {json}}}}}"#))?.next.map(|cursor| cursor.0))
    }

    #[test]
    fn ids_are_read_from_strings_and_numbers_and_what_nobody_knows_is_passed_over() {
        let listing = listing(
            r#"{"type": "list", "total_count": "2", "new": {"deep": [1]}, "data": [
                {"id": 19, "source_id": "42", "external_id": 3, "title": "T", "html": "<p>", "url": "",
                 "locale": "xx-new", "ai_agent_availability": true, "ai_copilot_availability": null, "what": 1},
                {"id": "20", "source_id": null, "external_id": null, "title": null, "html": null, "fin_availability": true}
            ]}"#,
        )
        .unwrap();
        let (first, second) = (&listing.pages[0], &listing.pages[1]);
        assert_eq!((first.id.as_str(), first.source_id.0, first.external_id.as_str()), ("19", 42, "3"));
        assert_eq!((first.url.as_deref(), first.locale.as_str()), (None, "xx-new"));
        assert_eq!(first.switches, Switches { ai_agent: true, ai_copilot: false });
        assert_eq!((second.external_id.as_str(), second.html.as_str()), ("", ""));
        assert_eq!(second.switches, Switches { ai_agent: true, ai_copilot: true });
        assert_eq!((listing.total_count, listing.next), (Some(2), None));
    }

    #[test]
    fn an_external_id_is_kept_as_it_is() {
        let listing = listing(r#"{"data": [{"id": "1", "external_id": "cafe\u0301.md"}]}"#).unwrap();
        assert_eq!(listing.pages[0].external_id.as_str(), "cafe\u{301}.md");
        assert_ne!(listing.pages[0].external_id, ExternalId::new("cafe\u{301}.md"));
    }

    #[test]
    fn of_the_next_page_only_the_query_is_used() {
        assert_eq!(next(r#""https://evil.test/x?page=2&per_page=50#frag""#), Ok(Some("page=2&per_page=50".into())));
        assert_eq!(
            next(r#"{"per_page": 50, "starting_after": "a b"}"#),
            Ok(Some("per_page=50&starting_after=a+b".into()))
        );
        assert_eq!(next("null"), Ok(None));
        assert!(next(r#""https://api.intercom.io/ai/external_pages""#).is_err());
        assert!(next("7").is_err());
        assert!(next(&format!(r#""/x?{}""#, "a".repeat(5000))).is_err());
    }

    #[test]
    fn an_answer_about_another_page_is_none() {
        let answer = |json: &str| serde_json::from_str::<PageAnswer>(json).unwrap();
        let (ours, source) = (ExternalId::new("a.md"), ImportSourceId(7));
        let sent = Some((source, &ours));
        assert!(
            answer(r#"{"id": "1", "external_id": "a.md", "source_id": 7}"#).of(Some(&PageId::new("1")), sent).is_ok()
        );
        assert_eq!(answer(r#"{"id": "1"}"#).of(None, sent).unwrap().external_id, ours);
        assert!(answer(r#"{"id": "2"}"#).of(Some(&PageId::new("1")), None).is_err());
        assert!(answer(r#"{"id": "1", "external_id": "b.md"}"#).of(None, sent).is_err());
        assert!(answer(r#"{"id": "1", "source_id": 8}"#).of(None, sent).is_err());
        assert!(answer(r#"{"id": ""}"#).of(None, sent).is_err());
    }

    #[test]
    fn an_import_source_is_read_leniently() {
        let source = |json: &str| ImportSource::from(serde_json::from_str::<SourceAnswer>(json).unwrap());
        let full = source(
            r#"{"id": "33", "url": "https://d/", "sync_behavior": "api", "status": "deactivated",
                "created_at": 5, "audience_ids": [1, "2"]}"#,
        );
        assert_eq!((full.id.0, full.api, full.active, full.created_at), (33, true, false, 5));
        assert_eq!(full.audience_ids, [1, 2]);
        let odd = source(r#"{"id": 1, "sync_behavior": "psychic", "status": "new", "audience_ids": 9}"#);
        assert_eq!((odd.api, odd.active, odd.audience_ids), (false, true, vec![9]));
    }

    #[test]
    fn what_is_not_said_is_not_sent() {
        let url = "https://d/";
        let json = |body: SourceBody<'_>| serde_json::to_string(&body).unwrap();
        assert_eq!(json(SourceBody::create(url, &[])), r#"{"sync_behavior":"api","url":"https://d/"}"#);
        let change = ImportSourceChange { url: None, active: Some(false), audience_ids: Some(vec![]) };
        assert_eq!(
            json(SourceBody::change(url, &change)),
            r#"{"sync_behavior":"api","url":"https://d/","status":"deactivated","audience_ids":[],"apply_audience_to_existing_content":true}"#
        );
    }

    #[test]
    fn text_for_messages_has_no_control_characters_and_ends() {
        assert_eq!(printable("a\x1b[31m\nb"), "a [31m b");
        assert_eq!(printable(&"x".repeat(1000)).chars().count(), 301);
    }
}
