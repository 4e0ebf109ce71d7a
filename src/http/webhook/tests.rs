//! Calls as each forge sends them, over a real socket: who is woken, what is refused.

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;

use super::*;
use crate::daemon::Trigger;
use crate::http::tests::{House, now};
use crate::secret::Secret;

const SECRET: &str = "correct horse";

fn hook(source: &str, secrets: &[&str], repository: Option<(&str, Option<&str>)>) -> Hook {
    let secrets = secrets.iter().map(|text| Secret::Value(SecretString::from((*text).to_owned())));
    let repository = repository.map(|(url, reference)| (url.to_owned(), reference.map(str::to_owned)));
    Hook { source: SourceName::new(source), secrets: secrets.collect(), repository }
}

/// Two sources of one repository under two of its names, one of another branch of it, and three that are none of it.
async fn house() -> House {
    House::open(|app| {
        app.hooks = vec![
            hook("api", &["old secret", SECRET], Some(("git@GitHub.com:Acme/API.git", Some("main")))),
            hook("api-default", &[], Some(("https://github.com/acme/api", None))),
            hook("api-next", &[SECRET], Some(("ssh://git@ssh.github.com:443/acme/api.git", Some("refs/heads/next")))),
            hook("other", &[SECRET], Some(("https://github.com/acme/other.git", None))),
            hook("files", &[SECRET], None),
            hook("deaf", &[], None),
        ];
    })
    .await
}

fn tag(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let digit =
            |at: usize| if at <= chunk.len() { DIGITS[(bits >> (18 - 6 * at) & 63) as usize].into() } else { '=' };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}

fn github(reference: &str) -> Value {
    json!({
        "ref": reference,
        "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        "after": "59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5",
        "created": false, "deleted": false, "forced": false, "base_ref": null,
        "repository": {
            "id": 17_273_051, "name": "api", "full_name": "acme/api", "private": true,
            "html_url": "https://github.com/acme/api",
            "git_url": "git://github.com/acme/api.git",
            "ssh_url": "git@github.com:acme/api.git",
            "clone_url": "https://github.com/acme/api.git",
            "default_branch": "main", "master_branch": "main", "pushed_at": 1_800_000_000,
        },
        "pusher": { "name": "ann", "email": "ann@acme.example" },
        "commits": [{ "id": "59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5", "added": ["docs/a.md"], "message": "x" }],
    })
}

/// Sends a call, and gives its status and answer.
async fn send(house: &House, source: &str, headers: &[(&str, String)], body: &[u8]) -> (u16, Value) {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (status, _, text) = house.ask(Method::POST, &format!("/webhooks/{source}"), &headers, body.to_vec()).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn hub(house: &House, source: &str, event: &str, secret: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let signature = format!("sha256={}", hex(&tag(secret.as_bytes(), &[body.as_bytes()])));
    let headers = [("x-github-event", event.to_owned()), ("x-hub-signature-256", signature)];
    send(house, source, &headers, body.as_bytes()).await
}

fn woken(house: &mut House) -> Vec<String> {
    let mut woken = Vec::new();
    while let Ok(Trigger::Look { source }) = house.heard.try_recv() {
        woken.push(source.to_string());
    }
    woken
}

#[tokio::test]
async fn a_push_wakes_every_source_of_its_repository_and_ref() {
    let mut house = house().await;
    let (status, answer) = hub(&house, "api", "push", SECRET, &github("refs/heads/main")).await;
    assert_eq!((status, &answer["woken"]), (202, &json!(["api", "api-default"])), "{answer}");
    let why = "it reads `refs/heads/next`, and the push is of `refs/heads/main`";
    assert_eq!(answer["asleep"], json!([{ "source": "api-next", "why": why }]));
    assert_eq!(woken(&mut house), ["api", "api-default"]);
    // Called by the name of one that does not read it.
    let (status, answer) = hub(&house, "api", "push", SECRET, &github("refs/heads/next")).await;
    assert_eq!((status, &answer["woken"]), (202, &json!(["api-next"])), "{answer}");
    let (status, answer) = hub(&house, "api", "push", SECRET, &github("refs/tags/v1")).await;
    assert_eq!((status, answer["asleep"].as_array().unwrap().len()), (200, 3), "{answer}");
    // A source of another repository sleeps, but for what no source is known to be of.
    let (_, answer) = hub(&house, "other", "push", SECRET, &github("refs/tags/v2")).await;
    assert_eq!(answer["asleep"][3], json!({ "source": "other", "why": "the push is of another repository" }));
    let alias = github("refs/heads/main").to_string().replace("acme/api", "mirrors/other");
    let (status, answer) = hub(&house, "other", "push", SECRET, &serde_json::from_str(&alias).unwrap()).await;
    assert_eq!((status, &answer["woken"]), (202, &json!(["other"])), "{answer}");
}

#[tokio::test]
async fn a_call_that_is_not_signed_with_a_secret_of_its_source_does_nothing() {
    let mut house = house().await;
    let push = github("refs/heads/main");
    for (source, secret, status) in [
        ("api", "old secret", 202),
        ("api-next", "old secret", 401),
        ("api", "wrong", 401),
        ("api", "", 401),
        ("deaf", SECRET, 404),
        ("nobody", SECRET, 404),
    ] {
        assert_eq!(hub(&house, source, "push", secret, &push).await.0, status, "{source} {secret}");
    }
    let body = push.to_string();
    let good = hex(&tag(SECRET.as_bytes(), &[body.as_bytes()]));
    for signature in [good.clone(), format!("sha1={good}"), format!("sha256={}", &good[..62]), "sha256=".to_owned()] {
        let headers = [("x-github-event", "push".to_owned()), ("x-hub-signature-256", signature.clone())];
        assert_eq!(send(&house, "api-next", &headers, body.as_bytes()).await.0, 401, "{signature}");
    }
    assert_eq!(send(&house, "api", &[("x-github-event", "push".to_owned())], body.as_bytes()).await.0, 401);
    assert_eq!(send(&house, "api", &[], body.as_bytes()).await.0, 401);
    let altered = body.replace("ann", "eve");
    let headers = [("x-github-event", "push".to_owned()), ("x-hub-signature-256", format!("sha256={good}"))];
    assert_eq!(send(&house, "api", &headers, altered.as_bytes()).await.0, 401);
    assert_eq!(woken(&mut house), ["api", "api-default"], "once, by the one that was genuine");
}

#[tokio::test]
async fn the_same_call_does_something_once_and_a_ping_nothing() {
    let mut house = house().await;
    let ping = json!({ "zen": "Keep it logically awesome.", "hook_id": 1, "repository": github("x")["repository"] });
    for _ in 0..2 {
        let (status, answer) = hub(&house, "api", "ping", SECRET, &ping).await;
        assert_eq!((status, &answer["event"]), (200, &json!("ping")));
    }
    let push = github("refs/heads/main");
    assert_eq!(hub(&house, "api", "push", SECRET, &push).await.0, 202);
    assert_eq!(hub(&house, "api", "push", SECRET, &push).await.0, 409);
    // By way of another source it is the same call.
    assert_eq!(hub(&house, "api-next", "push", SECRET, &push).await.0, 409);
    assert_eq!(woken(&mut house), ["api", "api-default"]);
    // Where the daemon does not hear, nothing was done: it may be sent again.
    house.heard.close();
    let next = github("refs/heads/next");
    assert_eq!(hub(&house, "api", "push", SECRET, &next).await.0, 503);
    assert_eq!(hub(&house, "api", "push", SECRET, &next).await.0, 503);
}

#[tokio::test]
async fn a_form_of_githubs_is_read_and_what_is_no_push_is_refused_without_being_quoted() {
    let mut house = house().await;
    let json = github("refs/heads/main").to_string();
    let form: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json).finish();
    let signed = |body: &str| {
        let signature = format!("sha256={}", hex(&tag(SECRET.as_bytes(), &[body.as_bytes()])));
        vec![("x-github-event", "push".to_owned()), ("x-hub-signature-256", signature)]
    };
    let mut headers = signed(&form);
    headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
    assert_eq!(send(&house, "api", &headers, form.as_bytes()).await.0, 202);
    assert_eq!(woken(&mut house).len(), 2);
    for body in ["", "[]", "{\"ref\": 5, \"repository\": {}}", "geheim", "{\"ref\":\"x\"}"] {
        let headers = signed(body);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, _, text) = house.ask(Method::POST, "/webhooks/api", &headers, body.into()).await;
        assert!(status == 400 && !text.contains("geheim"), "{body}: {status} {text}");
    }
    let large = "x".repeat(BODY_MAX_BYTES + 1);
    assert_eq!(send(&house, "api", &signed(&large), large.as_bytes()).await.0, 413);
}

#[tokio::test]
async fn giteas_calls_are_its_own_though_they_bear_githubs_headers() {
    let mut house = house().await;
    let body = json!({
        "ref": "refs/heads/main", "before": "28e1879d", "after": "bffeb742", "compare_url": "", "commits": [],
        "repository": {
            "id": 140, "name": "api", "full_name": "acme/api", "default_branch": "main",
            "html_url": "https://github.com/acme/api", "ssh_url": "git@github.com:acme/api.git",
            "clone_url": "https://github.com/acme/api.git",
        },
    })
    .to_string();
    let signature = hex(&tag(SECRET.as_bytes(), &[body.as_bytes()]));
    for (shown, status) in [("00".repeat(32), 401), (signature.clone(), 202)] {
        let headers = [
            ("x-gitea-event", "push".to_owned()),
            ("x-gitea-signature", shown.clone()),
            ("x-github-event", "push".to_owned()),
            ("x-hub-signature-256", format!("sha256={signature}")),
        ];
        assert_eq!(send(&house, "api", &headers, body.as_bytes()).await.0, status, "{shown}");
    }
    assert_eq!(woken(&mut house), ["api", "api-default"]);
}

#[tokio::test]
async fn gitlab_signs_or_shows_its_token() {
    let mut house = House::open(|app| {
        let key = format!("whsec_{}", base64(b"a key of thirty-two bytes, random"));
        let url = "https://gitlab.example.com/acme/docs.git";
        app.hooks = vec![hook("docs", &[SECRET, &key], Some((url, None)))];
    })
    .await;
    let push = json!({
        "object_kind": "push", "event_name": "push", "ref": "refs/heads/trunk",
        "checkout_sha": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
        "project": {
            "id": 15, "path_with_namespace": "acme/docs", "default_branch": "trunk",
            "web_url": "http://gitlab.example.com/acme/docs",
            "git_ssh_url": "git@gitlab.example.com:acme/docs.git",
            "git_http_url": "http://gitlab.example.com/acme/docs.git",
        },
        "commits": [], "total_commits_count": 4,
    })
    .to_string();
    let call = |event: &str| ("x-gitlab-event", event.to_owned());
    let token = |token: &str| ("x-gitlab-token", token.to_owned());
    let id = |id: &str| ("idempotency-key", id.to_owned());
    for (headers, status) in [
        (vec![call("Push Hook")], 401),
        (vec![call("Push Hook"), token("correct")], 401),
        (vec![call("Push Hook"), token(SECRET), id("1")], 202),
        (vec![call("Push Hook"), token(SECRET), id("1")], 409),
        (vec![call("Push Hook"), token(SECRET), id("2")], 202),
        (vec![call("System Hook"), token(SECRET), id("3")], 202),
        (vec![call("Issue Hook"), token(SECRET), id("4")], 200),
    ] {
        assert_eq!(send(&house, "docs", &headers, push.as_bytes()).await.0, status, "{headers:?}");
    }
    assert_eq!(woken(&mut house).len(), 3);
    let signed = |at: i64, key: &[u8]| {
        let at = at.to_string();
        let good = base64(&tag(key, &[b"msg-1.", at.as_bytes(), b".", push.as_bytes()]));
        vec![
            call("Push Hook"),
            ("webhook-id", "msg-1".to_owned()),
            ("webhook-timestamp", at),
            ("webhook-signature", format!("v1,{} v1,{good}", base64(&[0; 32]))),
        ]
    };
    let unix = now().as_second();
    let key = b"a key of thirty-two bytes, random";
    for (at, key, status) in [
        (unix, key.as_slice(), 202),
        (unix, key.as_slice(), 409),
        (unix - 299, SECRET.as_bytes(), 202),
        (unix - 301, key.as_slice(), 401),
        (unix + 301, key.as_slice(), 401),
        (unix, b"another".as_slice(), 401),
    ] {
        assert_eq!(send(&house, "docs", &signed(at, key), push.as_bytes()).await.0, status, "{at} {key:?}");
    }
}

#[tokio::test]
async fn bitbucket_names_its_repositories_in_its_own_ways() {
    let mut house = House::open(|app| {
        app.hooks = vec![
            hook("cloud", &[SECRET], Some(("git@bitbucket.org:acme/docs.git", Some("main")))),
            hook("server", &[SECRET], Some(("ssh://git@bitbucket.acme.example:7999/DOC/docs.git", Some("main")))),
        ];
    })
    .await;
    let cloud = json!({
        "actor": { "display_name": "Ann" },
        "repository": {
            "type": "repository", "full_name": "acme/docs", "uuid": "{673a6070-3421-46c9-9d48-90745f7bfe8e}",
            "links": { "self": { "href": "https://api.bitbucket.org/2.0/repositories/acme/docs" },
                       "html": { "href": "https://bitbucket.org/acme/docs" } },
        },
        "push": { "changes": [
            { "new": { "type": "tag", "name": "v1" }, "old": null, "created": true },
            { "new": { "type": "branch", "name": "main" }, "old": { "type": "branch", "name": "main" } },
            { "new": null, "old": { "type": "branch", "name": "gone" }, "closed": true },
        ] },
    });
    let server = json!({
        "eventKey": "repo:refs_changed", "date": "2026-01-13T22:26:25+1100", "actor": { "name": "ann" },
        "repository": {
            "slug": "docs", "id": 84, "name": "docs", "project": { "key": "DOC", "id": 84 },
            "links": { "self": [{ "href": "https://bitbucket.acme.example/projects/DOC/repos/docs/browse" }] },
        },
        "changes": [{ "ref": { "id": "refs/heads/main", "displayId": "main", "type": "BRANCH" }, "type": "UPDATE" }],
    });
    for (source, event, body) in [("cloud", "repo:push", cloud), ("server", "repo:refs_changed", server)] {
        let body = body.to_string();
        let signature = format!("sha256={}", hex(&tag(SECRET.as_bytes(), &[body.as_bytes()])));
        let headers = [("x-event-key", event.to_owned()), ("x-hub-signature", signature)];
        let (status, answer) = send(&house, source, &headers, body.as_bytes()).await;
        assert_eq!((status, &answer["woken"]), (202, &json!([source])), "{answer}");
        assert_eq!(woken(&mut house), [source]);
    }
}

#[tokio::test]
async fn a_generic_call_wakes_its_own_source_while_it_is_new() {
    let mut house = house().await;
    let unix = now().as_second();
    let call = |at: &str, body: &str, key: &str| {
        let signature = hex(&tag(key.as_bytes(), &[at.as_bytes(), b".", body.as_bytes()]));
        [("x-finmirror-timestamp", at.to_owned()), ("x-finmirror-signature", format!("sha256={signature}"))]
    };
    let (now, old, early) = (unix.to_string(), (unix - 301).to_string(), (unix + 301).to_string());
    let oldest = (unix - 300).to_string();
    for (source, headers, body, status) in [
        ("files", call(&now, "", SECRET), "", 202),
        ("files", call(&now, "", SECRET), "", 409),
        ("files", call(&now, "built", SECRET), "built", 202),
        ("files", call(&oldest, "", SECRET), "", 202),
        ("files", call(&old, "", SECRET), "", 401),
        ("files", call(&early, "", SECRET), "", 401),
        ("files", call("soon", "", SECRET), "", 401),
        ("files", call(&now, "other", SECRET), "body", 401),
        ("files", call(&now, "", "wrong"), "", 401),
        ("api-next", call(&now, "x", SECRET), "x", 202),
    ] {
        assert_eq!(send(&house, source, &headers, body.as_bytes()).await.0, status, "{source} {headers:?}");
    }
    assert_eq!(woken(&mut house), ["files", "files", "files", "api-next"]);
}

#[tokio::test]
async fn guessing_gitlabs_token_is_slowed_down_and_hinders_nobody_who_signs() {
    let house = house().await;
    let mut limited = 0;
    for n in 0..40 {
        let headers = [("x-gitlab-event", "Push Hook".to_owned()), ("x-gitlab-token", format!("guess {n}"))];
        limited += u32::from(send(&house, "files", &headers, b"{}").await.0 == 429);
    }
    assert!((10..=20).contains(&limited), "{limited}");
    assert_eq!(hub(&house, "files", "push", SECRET, &github("refs/heads/x")).await.0, 202);
}

#[test]
fn a_repository_is_the_same_under_all_of_its_urls() {
    let of = |url: &str| Repository::of_url(url);
    let one = of("https://github.com/acme/api").unwrap();
    for url in [
        "https://github.com/acme/api.git",
        "https://me@GitHub.com:443/Acme/API/",
        "http://github.com./acme/api",
        "git@github.com:acme/api.git",
        "github.com:acme/api",
        "ssh://git@github.com/acme/api.git",
        "ssh://git@ssh.github.com:443/acme/api.git",
        "git://github.com/acme/api.git",
    ] {
        assert_eq!(of(url), Some(one.clone()), "{url}");
    }
    for url in ["https://github.com/acme/api2", "https://evil.example/acme/api", "https://github.com.evil/acme/api"] {
        assert_ne!(of(url), Some(one.clone()), "{url}");
    }
    for url in ["/srv/git/api.git", "./api", "file:///srv/api.git", "https://github.com", "https:///x", "", ":", "[::1"]
    {
        assert_eq!(of(url), None, "{url}");
    }
    assert_eq!(of("ssh://git@[::1]:7999/doc/docs"), of("https://[::1]/scm/DOC/docs.git"));
}

#[test]
fn what_is_remembered_is_bounded_and_forgotten_in_time() {
    let calls = Calls::new(Instant::now());
    let at = Instant::now();
    let call = |n: usize| {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&n.to_le_bytes());
        digest
    };
    assert!(calls.remember(call(0), at) && !calls.remember(call(0), at));
    assert!(!calls.remember(call(0), at + REMEMBERED));
    assert!(calls.remember(call(0), at + REMEMBERED + Duration::from_secs(1)));
    for n in 1..3 * CALLS {
        assert!(calls.remember(call(n), at));
    }
    let seen = calls.seen();
    assert!(seen.calls.len() <= CALLS && seen.order.len() == seen.calls.len());
}
