//! What can be asked: the calls by name, and how a method, a path, a query and a JSON body become one.
//!
//! Knows the shapes of Intercom's requests and names the field that is wrong; what a call does is the model's affair.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use super::answer::ApiError;
use super::event::{EventQuery, NewEvent, NewSummary, Who};

/// Items on one page of a listing, unless the request says otherwise.
pub(super) const PER_PAGE: u64 = 50;

/// The most items on one page of a listing.
const MAX_PER_PAGE: u64 = 150;

macro_rules! routes {
    ($($(#[$doc:meta])* $route:ident $name:literal $template:literal)*) => {
        /// The calls, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Route { $($(#[$doc])* $route),* }

        impl Route {
            /// The name that a fault rule can give.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$route => $name),* }
            }

            /// The method and the path's pattern.
            pub(super) fn template(self) -> &'static str {
                match self { $(Self::$route => $template),* }
            }
        }
    };
}

routes! {
    ListImportSources "list_import_sources" "GET /ai/content_import_sources"
    CreateImportSource "create_import_source" "POST /ai/content_import_sources"
    ImportSource "import_source" "GET /ai/content_import_sources/{source_id}"
    UpdateImportSource "update_import_source" "PUT /ai/content_import_sources/{source_id}"
    DeleteImportSource "delete_import_source" "DELETE /ai/content_import_sources/{source_id}"
    ListPages "list_pages" "GET /ai/external_pages"
    UpsertPage "upsert_page" "POST /ai/external_pages"
    Page "page" "GET /ai/external_pages/{page_id}"
    ReplacePage "replace_page" "PUT /ai/external_pages/{page_id}"
    DeletePage "delete_page" "DELETE /ai/external_pages/{page_id}"
    SubmitEvent "submit_event" "POST /events"
    ListEvents "list_events" "GET /events"
    SummarizeEvents "summarize_events" "POST /events/summaries"
    /// Anything else: 404.
    Unknown "unknown" "unknown"
}

impl Route {
    /// The HTTP method.
    pub(super) fn method(self) -> &'static str {
        self.template().split_once(' ').map_or("", |(method, _)| method)
    }

    /// The path with its id, if it has one.
    pub(super) fn path(self, id: &str) -> String {
        let path = self.template().split_once(' ').map_or("", |(_, path)| path);
        match path.split_once('{') {
            Some((start, _)) => format!("{start}{id}"),
            None => path.to_owned(),
        }
    }

    /// The call that a method and a path name, with the id in the path.
    pub(super) fn find<'p>(method: &str, path: &'p str) -> (Self, &'p str) {
        let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
        if let Some(rest) = path.strip_prefix("/ai/content_import_sources") {
            return match (method, rest.strip_prefix('/')) {
                ("GET", None) if rest.is_empty() => (Self::ListImportSources, ""),
                ("POST", None) if rest.is_empty() => (Self::CreateImportSource, ""),
                ("GET", Some(id)) => (Self::ImportSource, id),
                ("PUT", Some(id)) => (Self::UpdateImportSource, id),
                ("DELETE", Some(id)) => (Self::DeleteImportSource, id),
                _ => (Self::Unknown, ""),
            };
        }
        if let Some(rest) = path.strip_prefix("/ai/external_pages") {
            return match (method, rest.strip_prefix('/')) {
                ("GET", None) if rest.is_empty() => (Self::ListPages, ""),
                ("POST", None) if rest.is_empty() => (Self::UpsertPage, ""),
                ("GET", Some(id)) => (Self::Page, id),
                ("PUT", Some(id)) => (Self::ReplacePage, id),
                ("DELETE", Some(id)) => (Self::DeletePage, id),
                _ => (Self::Unknown, ""),
            };
        }
        let route = match (method, path) {
            ("POST", "/events") => Self::SubmitEvent,
            ("GET", "/events") => Self::ListEvents,
            ("POST", "/events/summaries") => Self::SummarizeEvents,
            _ => Self::Unknown,
        };
        (route, "")
    }
}

/// The version of the API that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u16, u16);

impl Version {
    /// What a request without the header gets.
    pub(super) const DEFAULT: Self = Self(2, 16);
    /// The newest one, `Preview` among them.
    pub(super) const LATEST: Self = Self(u16::MAX, 0);
    /// From this one a locale may be any language.
    const LOCALES: Self = Self(2, 17);

    /// Reads the `Intercom-Version` header.
    pub(super) fn read(header: &str) -> Result<Self, ApiError> {
        if matches!(header, "Preview" | "Unstable") {
            return Ok(Self::LATEST);
        }
        let known = |version: &Self| {
            let minors = match version.0 {
                1 => 0..=4,
                2 => 0..=17,
                _ => return false,
            };
            minors.contains(&version.1)
        };
        header
            .split_once('.')
            .and_then(|(major, minor)| Some(Self(major.parse().ok()?, minor.parse().ok()?)))
            .filter(known)
            .ok_or_else(|| ApiError::new(400, "intercom_version_invalid", "The requested version could not be found"))
    }

    /// Whether a locale other than `en` is known.
    pub(super) fn has_locales(self) -> bool {
        self >= Self::LOCALES
    }

    /// Whether the sales agent's switch can be written.
    pub(super) fn is_preview(self) -> bool {
        self == Self::LATEST
    }
}

/// A part of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// From 1.
    pub(super) page: u64,
    pub(super) per_page: u64,
}

/// A page as a create-or-update tells it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PageText {
    pub(super) title: String,
    pub(super) html: String,
    #[serde(default)]
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) ai_agent_availability: Option<bool>,
    #[serde(default)]
    pub(super) ai_copilot_availability: Option<bool>,
    #[serde(default)]
    pub(super) ai_sales_agent_availability: Option<bool>,
    pub(super) locale: String,
    pub(super) source_id: i64,
    pub(super) external_id: String,
}

/// A page as an update by id tells it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Replacement {
    pub(super) title: String,
    pub(super) html: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) fin_availability: Option<bool>,
    pub(super) locale: String,
    pub(super) source_id: i64,
    #[serde(default)]
    pub(super) external_id: Option<String>,
}

/// A source as a create tells it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct NewSource {
    pub(super) sync_behavior: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    pub(super) url: String,
    #[serde(default, deserialize_with = "audience")]
    pub(super) audience_ids: Option<Vec<i64>>,
}

/// What an update changes of a source. An audience that is `null` is an empty one, one that is absent stays.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SourceChange {
    pub(super) sync_behavior: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    pub(super) url: String,
    #[serde(default, deserialize_with = "audience")]
    pub(super) audience_ids: Option<Vec<i64>>,
}

/// One audience, several, or `null` for none.
fn audience<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<i64>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(i64),
        Several(Vec<i64>),
    }
    Ok(Some(match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Audience::One(id)) => vec![id],
        Some(Audience::Several(ids)) => ids,
    }))
}

/// A call with all that it needs.
#[derive(Clone, Debug)]
pub(super) enum Call {
    ListImportSources(Window),
    CreateImportSource(NewSource),
    ImportSource(i64),
    UpdateImportSource(i64, SourceChange),
    DeleteImportSource(i64),
    ListPages(Window),
    UpsertPage(PageText),
    Page(i64),
    ReplacePage(i64, Replacement),
    DeletePage(i64),
    SubmitEvent(NewEvent),
    ListEvents(EventQuery),
    SummarizeEvents(Who, Vec<NewSummary>),
}

impl Call {
    /// The external id that the request itself names.
    pub(super) fn external_id(&self) -> Option<&str> {
        match self {
            Self::UpsertPage(page) => Some(&page.external_id),
            Self::ReplacePage(_, page) => page.external_id.as_deref(),
            _ => None,
        }
    }

    /// Reads a request.
    pub(super) fn read(route: Route, id: &str, query: &str, body: &[u8]) -> Result<Self, ApiError> {
        Ok(match route {
            Route::ListImportSources => Self::ListImportSources(window(query)?),
            Route::CreateImportSource => Self::CreateImportSource(parse(body, SOURCE_FIELDS)?),
            Route::ImportSource => Self::ImportSource(source_id(id)?),
            Route::UpdateImportSource => Self::UpdateImportSource(source_id(id)?, parse(body, SOURCE_FIELDS)?),
            Route::DeleteImportSource => Self::DeleteImportSource(source_id(id)?),
            Route::ListPages => Self::ListPages(window(query)?),
            Route::UpsertPage => Self::UpsertPage(parse(body, PAGE_FIELDS)?),
            Route::Page => Self::Page(page_id(id)?),
            Route::ReplacePage => Self::ReplacePage(page_id(id)?, parse(body, REPLACEMENT_FIELDS)?),
            Route::DeletePage => Self::DeletePage(page_id(id)?),
            Route::SubmitEvent => Self::SubmitEvent(parse::<super::event::EventJson>(body, EVENT_FIELDS)?.check()?),
            Route::ListEvents => Self::ListEvents(EventQuery::read(query)?),
            Route::SummarizeEvents => {
                let (who, summaries) = parse::<super::event::SummariesJson>(body, SUMMARIES_FIELDS)?.check()?;
                Self::SummarizeEvents(who, summaries)
            }
            Route::Unknown => return Err(ApiError::not_found("The requested resource does not exist")),
        })
    }
}

/// Reads an id of ours out of a path; what is no number names nothing.
fn page_id(id: &str) -> Result<i64, ApiError> {
    id.parse().map_err(|_| ApiError::no_page())
}

fn source_id(id: &str) -> Result<i64, ApiError> {
    id.parse().map_err(|_| ApiError::no_source())
}

fn window(query: &str) -> Result<Window, ApiError> {
    let mut window = Window { page: 1, per_page: PER_PAGE };
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match key.as_ref() {
            "page" => window.page = whole("page", &value)?,
            "per_page" => window.per_page = per_page(&value)?,
            _ => {}
        }
    }
    Ok(window)
}

/// Reads `per_page`.
pub(super) fn per_page(value: &str) -> Result<u64, ApiError> {
    let per_page = whole("per_page", value)?;
    if per_page > MAX_PER_PAGE {
        return Err(ApiError::parameter("per_page", "Per Page is too big"));
    }
    Ok(per_page)
}

fn whole(field: &'static str, value: &str) -> Result<u64, ApiError> {
    value
        .parse::<u64>()
        .ok()
        .filter(|number| (1..=1_000_000_000).contains(number))
        .ok_or_else(|| ApiError::parameter(field, format!("{field} must be a positive integer")))
}

/// What a field holds, for the error that names it.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Integer,
    Integers,
    Object,
    Any,
}

type Field = (&'static str, Kind, bool);

const PAGE_FIELDS: &[Field] = &[
    ("title", Kind::Text, true),
    ("html", Kind::Text, true),
    ("url", Kind::Text, false),
    ("ai_agent_availability", Kind::Flag, false),
    ("ai_copilot_availability", Kind::Flag, false),
    ("ai_sales_agent_availability", Kind::Flag, false),
    ("locale", Kind::Text, true),
    ("source_id", Kind::Integer, true),
    ("external_id", Kind::Text, true),
];

const REPLACEMENT_FIELDS: &[Field] = &[
    ("title", Kind::Text, true),
    ("html", Kind::Text, true),
    ("url", Kind::Text, true),
    ("fin_availability", Kind::Flag, false),
    ("locale", Kind::Text, true),
    ("source_id", Kind::Integer, true),
    ("external_id", Kind::Text, false),
];

const SOURCE_FIELDS: &[Field] = &[
    ("sync_behavior", Kind::Text, true),
    ("status", Kind::Text, false),
    ("url", Kind::Text, true),
    ("audience_ids", Kind::Integers, false),
];

const EVENT_FIELDS: &[Field] = &[
    ("event_name", Kind::Text, true),
    ("created_at", Kind::Integer, true),
    ("user_id", Kind::Text, false),
    ("id", Kind::Text, false),
    ("email", Kind::Text, false),
    ("metadata", Kind::Object, false),
];

const SUMMARIES_FIELDS: &[Field] = &[("user_id", Kind::Text, true), ("event_summaries", Kind::Any, true)];

/// Reads a body; only when that fails is it read again to find out which field is to blame.
fn parse<T: DeserializeOwned>(body: &[u8], fields: &[Field]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| explain(body, fields, &error))
}

fn explain(body: &[u8], fields: &[Field], error: &serde_json::Error) -> ApiError {
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(body) else {
        return ApiError::new(400, "bad_request", format!("The body is not a JSON object that can be read: {error}"));
    };
    for &(name, kind, required) in fields {
        let (fits, what) = match (object.get(name), kind) {
            (None | Some(Value::Null), _) if required => {
                return ApiError {
                    field: Some(name.into()),
                    ..ApiError::new(400, "parameter_not_found", format!("{name} is required"))
                };
            }
            (None | Some(Value::Null), _) | (_, Kind::Any) => continue,
            (Some(value), Kind::Text) => (value.is_string(), "a string"),
            (Some(value), Kind::Flag) => (value.is_boolean(), "a boolean"),
            (Some(value), Kind::Integer) => (value.is_i64(), "an integer"),
            (Some(value), Kind::Object) => (value.is_object(), "an object"),
            (Some(value), Kind::Integers) => {
                let several = value.as_array().is_some_and(|ids| ids.iter().all(Value::is_i64));
                (several || value.is_i64(), "an integer or an array of integers")
            }
        };
        if !fits {
            return ApiError::parameter(name, format!("{name} must be {what}"));
        }
    }
    ApiError::new(400, "bad_request", format!("The body cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_and_paths_name_calls() {
        for (method, path, route, id) in [
            ("GET", "/ai/external_pages", Route::ListPages, ""),
            ("POST", "/ai/external_pages/", Route::UpsertPage, ""),
            ("DELETE", "/ai/external_pages/12", Route::DeletePage, "12"),
            ("PUT", "/ai/content_import_sources/3", Route::UpdateImportSource, "3"),
            ("PATCH", "/ai/content_import_sources/3", Route::Unknown, ""),
            ("GET", "/ai/external_pagesX", Route::Unknown, ""),
            ("POST", "/events/summaries", Route::SummarizeEvents, ""),
            ("GET", "/", Route::Unknown, ""),
        ] {
            assert_eq!(Route::find(method, path), (route, id), "{method} {path}");
        }
        assert_eq!((Route::Page.method(), Route::Page.path("7").as_str()), ("GET", "/ai/external_pages/7"));
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let read = |body: &str| Call::read(Route::UpsertPage, "", "", body.as_bytes()).unwrap_err();
        let whole = |locale: &str, source: &str| {
            format!(r#"{{"title":"t","html":"h","external_id":"e"{locale},"source_id":{source}}}"#)
        };
        for (body, code, field) in [
            (whole("", "1"), "parameter_not_found", Some("locale")),
            (whole(r#","locale":"en""#, r#""1""#), "parameter_invalid", Some("source_id")),
            (whole(r#","locale":"en","url":5"#, "1"), "parameter_invalid", Some("url")),
            (whole(r#","locale":"en","locale":"en""#, "1"), "bad_request", None),
            ("[]".to_owned(), "bad_request", None),
            ("{".to_owned(), "bad_request", None),
            (String::new(), "bad_request", None),
            ("[".repeat(100_000), "bad_request", None),
        ] {
            let error = read(&body);
            assert_eq!((error.status, error.code.as_ref(), error.field.as_deref()), (400, code, field), "{body:.80}");
        }
    }

    #[test]
    fn listings_have_fifty_items_and_at_most_150() {
        assert_eq!(window("").unwrap(), Window { page: 1, per_page: 50 });
        assert_eq!(window("page=3&per_page=150&x=y").unwrap(), Window { page: 3, per_page: 150 });
        for query in ["page=0", "page=-1", "per_page=151", "per_page=x", "page=99999999999999999999"] {
            assert!(window(query).unwrap_err().field.is_some(), "{query}");
        }
    }

    #[test]
    fn versions_are_known_or_refused() {
        assert!(!Version::DEFAULT.has_locales() && Version::read("2.17").unwrap().has_locales());
        assert!(Version::read("2.9").unwrap() < Version::read("2.10").unwrap());
        assert!(Version::read("Preview").unwrap().is_preview());
        for version in ["", "2", "3.0", "2.18", "x.y"] {
            assert_eq!(Version::read(version).unwrap_err().code, "intercom_version_invalid");
        }
    }

    #[test]
    fn an_absent_audience_is_not_an_empty_one() {
        let read = |audience: &str| {
            let body = format!(r#"{{"sync_behavior":"api","url":"https://e.com"{audience}}}"#);
            match Call::read(Route::UpdateImportSource, "1", "", body.as_bytes()).unwrap() {
                Call::UpdateImportSource(1, change) => change.audience_ids,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(read(""), None);
        assert_eq!(read(r#","audience_ids":null"#), Some(vec![]));
        assert_eq!(read(r#","audience_ids":7"#), Some(vec![7]));
    }
}
