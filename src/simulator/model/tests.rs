//! The rules, asked directly.

use super::*;
use crate::simulator::call::{Route, Window};

struct World {
    model: Model,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let model = Model { store: Store::open(None).unwrap(), put_resets_flags: false };
        Self { model, now: Timestamp::from_second(1_700_000_000).unwrap() }
    }

    fn ask_as(&mut self, version: &str, route: Route, id: i64, query: &str, body: &str) -> Result<Answer, ApiError> {
        let call = Call::read(route, &id.to_string(), query, body.as_bytes())?;
        self.model.answer(call, Version::read(version).unwrap(), self.now)
    }

    fn ask(&mut self, route: Route, id: i64, query: &str, body: &str) -> Result<Answer, ApiError> {
        self.ask_as("2.16", route, id, query, body)
    }

    fn source(&mut self) -> i64 {
        match self.ask(Route::CreateImportSource, 0, "", r#"{"sync_behavior":"api","url":"https://e.com"}"#) {
            Ok(Answer::Source(source)) => source.id,
            other => panic!("{other:?}"),
        }
    }

    fn page(&mut self, route: Route, id: i64, body: &str) -> StoredPage {
        match self.ask(route, id, "", body) {
            Ok(Answer::Page(page)) => page,
            other => panic!("{other:?}"),
        }
    }

    fn refused(&mut self, route: Route, id: i64, body: &str) -> (u16, String, Option<String>) {
        let error = self.ask(route, id, "", body).unwrap_err();
        (error.status, error.code.into_owned(), error.field.map(String::from))
    }

    fn events(&mut self, query: &str) -> serde_json::Value {
        let answer = self.ask(Route::ListEvents, 0, query, "").unwrap();
        serde_json::from_slice(&answer.body("http://h")).unwrap()
    }
}

fn body(source: i64, external_id: &str, more: &str) -> String {
    format!(
        r#"{{"title":"T","html":"<p>h</p>","url":"https://e.com/a","locale":"en","source_id":{source},
            "external_id":"{external_id}"{more}}}"#
    )
}

#[test]
fn flags_are_off_on_a_new_page_and_stay_on_an_old_one() {
    let mut world = World::new();
    let source = world.source();
    let new = world.page(Route::UpsertPage, 0, &body(source, "a", ""));
    assert!(!new.ai_agent && !new.ai_copilot);
    let on = world.page(Route::UpsertPage, 0, &body(source, "a", r#","ai_agent_availability":true"#));
    assert_eq!((on.id, on.ai_agent, on.ai_copilot), (new.id, true, false));
    let kept = world.page(Route::UpsertPage, 0, &body(source, "a", r#","ai_copilot_availability":null"#));
    assert_eq!((kept.id, kept.ai_agent, kept.ai_copilot), (new.id, true, false));
}

#[test]
fn the_same_external_id_in_another_source_is_another_page() {
    let mut world = World::new();
    let (one, two) = (world.source(), world.source());
    assert_ne!(one, two, "two creates of one url make twins");
    let (a, b) =
        (world.page(Route::UpsertPage, 0, &body(one, "a", "")), world.page(Route::UpsertPage, 0, &body(two, "a", "")));
    assert_ne!(a.id, b.id);
    assert!(a.id > 1_000_000, "a page's id is no source's");
    assert!(matches!(world.ask(Route::DeleteImportSource, one, "", ""), Ok(Answer::SourceDeleted)));
    assert_eq!(world.refused(Route::Page, a.id, "").0, 404);
    assert_eq!(world.page(Route::Page, b.id, "").external_id, "a");
}

#[test]
fn an_update_by_id_renames_and_keeps_the_flags_unless_they_are_reset() {
    let mut world = World::new();
    let source = world.source();
    let page = world.page(Route::UpsertPage, 0, &body(source, "a", ""));
    let renamed = world.page(Route::ReplacePage, page.id, &body(source, "b", ""));
    assert_eq!((renamed.id, renamed.external_id.as_str(), renamed.ai_agent), (page.id, "b", false));
    let on = world.page(Route::ReplacePage, page.id, &body(source, "b", r#","fin_availability":true"#));
    assert!(on.ai_agent && on.ai_copilot);

    let off = world.page(Route::UpsertPage, 0, &body(source, "b", r#","ai_agent_availability":false"#));
    assert!(!off.ai_agent && off.ai_copilot);
    world.model.put_resets_flags = true;
    assert!(world.page(Route::ReplacePage, page.id, &body(source, "c", "")).ai_agent);

    world.page(Route::UpsertPage, 0, &body(source, "taken", ""));
    let taken = world.refused(Route::ReplacePage, page.id, &body(source, "taken", ""));
    assert_eq!(taken, (422, "parameter_invalid".into(), Some("external_id".into())));
    let without_url = format!(r#"{{"title":"T","html":"h","locale":"en","source_id":{source}}}"#);
    assert_eq!(
        world.refused(Route::ReplacePage, page.id, &without_url),
        (400, "parameter_not_found".into(), Some("url".into()))
    );
}

#[test]
fn a_delete_answers_with_the_page_and_its_id_never_comes_back() {
    let mut world = World::new();
    let source = world.source();
    let page = world.page(Route::UpsertPage, 0, &body(source, "a", ""));
    let deleted = world.page(Route::DeletePage, page.id, "");
    assert_eq!((deleted.html.as_str(), deleted.external_id.as_str()), ("", "a"));
    assert_eq!(world.refused(Route::DeletePage, page.id, "").0, 404);
    assert!(world.page(Route::UpsertPage, 0, &body(source, "a", "")).id > page.id);
}

#[test]
fn what_will_not_do_is_refused_by_field() {
    let mut world = World::new();
    let source = world.source();
    for (body, status, field) in [
        (body(999, "a", ""), 404, "source_id"),
        (body(source, "", ""), 400, "external_id"),
        (body(source, &"x".repeat(256), ""), 400, "external_id"),
        (body(source, "a", "").replace(r#""T""#, r#"" ""#), 400, "title"),
        (body(source, "a", "").replace("https://e.com/a", "javascript:1"), 400, "url"),
        (body(source, "a", "").replace(r#""en""#, r#""de""#), 400, "locale"),
    ] {
        let refused = world.refused(Route::UpsertPage, 0, &body);
        assert_eq!((refused.0, refused.2.as_deref()), (status, Some(field)), "{body:.200}");
    }
    let automatic = world.model.store.insert_source("https://e.com", "automatic", "active", &[], 0).unwrap().id;
    assert_eq!(world.refused(Route::UpsertPage, 0, &body(automatic, "a", "")).2.as_deref(), Some("source_id"));
}

#[test]
fn any_language_is_known_from_2_17() {
    let mut world = World::new();
    let source = world.source();
    let german = |locale: &str| body(source, "a", "").replace(r#""en""#, &format!(r#""{locale}""#));
    for locale in ["de", "pt-BR", "zh-Hant"] {
        assert!(world.ask_as("2.17", Route::UpsertPage, 0, "", &german(locale)).is_ok(), "{locale}");
        assert!(world.ask_as("2.16", Route::UpsertPage, 0, "", &german(locale)).is_err(), "{locale}");
    }
    for locale in ["", "x", "DE", "deutsch", "de-"] {
        assert!(world.ask_as("2.17", Route::UpsertPage, 0, "", &german(locale)).is_err(), "{locale}");
    }
}

#[test]
fn a_source_changes_but_not_to_or_from_api() {
    let mut world = World::new();
    let source = world.source();
    let change = |parts: &str| format!(r#"{{"sync_behavior":"api","url":"https://new.com"{parts}}}"#);
    let answer = world.ask(
        Route::UpdateImportSource,
        source,
        "",
        &change(r#","status":"deactivated","audience_ids":[1,2],"apply_audience_to_existing_content":true"#),
    );
    let Ok(Answer::Source(changed)) = answer else { panic!("{answer:?}") };
    assert_eq!((changed.url.as_str(), changed.status.as_str()), ("https://new.com", "deactivated"));
    let Ok(Answer::Source(kept)) = world.ask(Route::UpdateImportSource, source, "", &change("")) else { panic!() };
    assert_eq!((kept.status.as_str(), kept.audience_ids), ("deactivated", vec![1, 2]));
    world.page(Route::UpsertPage, 0, &body(source, "a", ""));

    for (body, field) in [
        (r#"{"sync_behavior":"manual","url":"https://e.com"}"#, "sync_behavior"),
        (r#"{"sync_behavior":"api","url":"https://e.com","status":"off"}"#, "status"),
        (r#"{"sync_behavior":"api","url":"e.com"}"#, "url"),
        (r#"{"sync_behavior":"api","url":"https://e.com","audience_ids":["1"]}"#, "audience_ids"),
    ] {
        assert_eq!(world.refused(Route::UpdateImportSource, source, body).2.as_deref(), Some(field));
    }
    assert_eq!(world.refused(Route::UpdateImportSource, 99, &change("")).0, 404);
    assert_eq!(
        world.refused(Route::CreateImportSource, 0, r#"{"sync_behavior":"manual","url":"https://e.com"}"#).0,
        400
    );
}

#[test]
fn a_listing_goes_from_new_to_old_and_adds_up() {
    let mut world = World::new();
    let source = world.source();
    for n in 0..120 {
        world.page(Route::UpsertPage, 0, &body(source, &format!("p{n}"), ""));
    }
    let mut seen = Vec::new();
    for page in 1..=4 {
        let window = Window { page, per_page: 50 };
        match world.model.answer(Call::ListPages(window), Version::DEFAULT, world.now).unwrap() {
            Answer::Pages { pages, total, .. } => {
                assert_eq!(total, 120);
                seen.extend(pages.into_iter().map(|page| page.external_id));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, (0..120).rev().map(|n| format!("p{n}")).collect::<Vec<_>>());
}

#[test]
fn later_parts_of_a_listing_are_found_in_the_index() {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    db.execute_batch(include_str!("../store/schema.sql")).unwrap();
    let plan: String = db
        .query_row(
            "EXPLAIN QUERY PLAN SELECT id FROM external_page INDEXED BY external_page_in_order
             ORDER BY id DESC LIMIT 50 OFFSET 9000",
            [],
            |row| row.get("detail"),
        )
        .unwrap();
    assert!(plan.contains("COVERING INDEX external_page_in_order"), "{plan}");
}

#[test]
fn an_event_is_kept_once_a_second_and_listed_for_ninety_days() {
    let mut world = World::new();
    let now_s = world.now.as_second();
    let submit = |name: &str, at: i64| format!(r#"{{"event_name":"{name}","created_at":{at},"user_id":"u"}}"#);
    for (name, at) in
        [("synced-docs", now_s), ("synced-docs", now_s), ("synced-docs", now_s - 91 * 86_400), ("x", now_s - 5)]
    {
        assert_eq!(world.ask(Route::SubmitEvent, 0, "", &submit(name, at)).unwrap().status(), 202);
    }
    let listed = world.events("type=user&user_id=u");
    let names: Vec<_> = listed["events"].as_array().unwrap().iter().map(|event| event["event_name"].clone()).collect();
    assert_eq!(names, ["synced-docs", "x"]);
    assert_eq!(listed["pages"]["next"], serde_json::Value::Null);

    let summaries = world.events("type=user&user_id=u&summary=true");
    assert_eq!(summaries["events"][0]["count"], 2, "the old one counts");
    assert_eq!(summaries["events"][0]["last"], "2023-11-14T22:13:20.000+00:00");
    assert_eq!(summaries["type"], "event.summary");
}

#[test]
fn events_are_paged_by_their_place() {
    let mut world = World::new();
    let now_s = world.now.as_second();
    for n in 0..5 {
        let body = format!(r#"{{"event_name":"e{n}","created_at":{},"email":"a+b@c.d"}}"#, now_s - n / 2);
        world.ask(Route::SubmitEvent, 0, "", &body).unwrap();
    }
    let mut query = "type=user&email=a%2Bb%40c.d&per_page=2".to_owned();
    let mut names = Vec::new();
    for _ in 0..5 {
        let page = world.events(&query);
        names.extend(page["events"].as_array().unwrap().iter().map(|event| event["event_name"].clone()));
        match page["pages"]["next"].as_str() {
            Some(next) => next.split_once('?').unwrap().1.clone_into(&mut query),
            None => break,
        }
    }
    assert_eq!(names, ["e1", "e0", "e3", "e2", "e4"]);
}

#[test]
fn everyone_is_known_until_contacts_are_named() {
    let mut world = World::new();
    let who = |who: &str| format!(r#"{{"event_name":"e","created_at":1,{who}}}"#);
    assert!(world.ask(Route::SubmitEvent, 0, "", &who(r#""user_id":"anyone""#)).is_ok());
    assert_eq!(world.refused(Route::SubmitEvent, 0, &who(r#""email":"missing@e.com""#)).0, 404);
    let ann = crate::simulator::Contact { id: "c1".into(), user_id: Some("ann".into()), email: Some("a@e.com".into()) };
    world.model.store.add_contact(&ann).unwrap();
    assert_eq!(world.refused(Route::SubmitEvent, 0, &who(r#""user_id":"anyone""#)).0, 404);
    for known in [r#""user_id":"ann""#, r#""email":"a@e.com""#, r#""id":"c1""#] {
        assert!(world.ask(Route::SubmitEvent, 0, "", &who(known)).is_ok());
    }
    assert_eq!(world.events("type=user&intercom_user_id=c1&summary=true")["events"][0]["count"], 1, "one contact");
}

#[test]
fn summaries_replace_what_was_counted() {
    let mut world = World::new();
    world.ask(Route::SubmitEvent, 0, "", r#"{"event_name":"e","created_at":50,"user_id":"u"}"#).unwrap();
    let summary = r#"{"user_id":"u","event_summaries":{"event_name":"e","count":9,"first":10,"last":20}}"#;
    let answer = world.ask(Route::SummarizeEvents, 0, "", summary).unwrap();
    assert_eq!((answer.status(), answer.body("").len()), (200, 0));
    assert_eq!(world.events("type=user&user_id=u&summary=true")["events"][0]["count"], 9);
    world.ask(Route::SubmitEvent, 0, "", r#"{"event_name":"e","created_at":60,"user_id":"u"}"#).unwrap();
    assert_eq!(world.events("type=user&user_id=u&summary=true")["events"][0]["count"], 10);
}
