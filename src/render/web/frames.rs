//! Answers that are no page though they look like one: a form that asks who one is, a frame that a program would fill.

use dom_query::Document;
use url::Url;

use super::head::{Head, one_line};

/// A page with more text than this (in bytes) is one, whatever forms are on it.
const MUCH: usize = 1500;

/// An empty frame has no more text than this: what it says while it loads.
const LITTLE: usize = 300;

/// Whether it asks who one is.
pub(super) fn is_login(document: &Document, head: &Head, url: &Url, is_recognised: bool) -> bool {
    let text = text_bytes(document, "body");
    if text > MUCH || (is_recognised && text > LITTLE) {
        return false;
    }
    let has = |selector: &str| document.select_single(selector).exists();
    if has("input[type=password]") || has(SINGLE_SIGN_ON) {
        return true;
    }
    let title = head.title.to_lowercase();
    let names_it = LOGINS.iter().any(|word| title.starts_with(word) || title.ends_with(&format!(" {word}")));
    let asks = has("form input:not([type=search]):not([type=hidden])") || has(FRAMES);
    let last = url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let is_at = matches!(&*last, "login" | "signin" | "sign-in" | "sign_in" | "log-in" | "sso" | "authorize" | "auth");
    let is_named = || has("form input[type=email], form input[name*=user i], form input[autocomplete=username]");
    (names_it && asks && text < MUCH / 2) || (is_at && !is_recognised && is_named())
}

/// Whether it has no text of its own, and a program would have put it there.
pub(super) fn is_shell(document: &Document, asks_for_scripts: bool) -> bool {
    if text_bytes(document, "body") > LITTLE {
        return false;
    }
    let frames = document.select(FRAMES);
    let is_empty = frames.nodes().iter().any(|frame| one_line(&frame.text()).len() < 60);
    // It may have text outside of its frame that is no more than a banner.
    is_empty || asks_for_scripts
}

/// Bytes of text in an element, less what frames every page.
fn text_bytes(document: &Document, selector: &str) -> usize {
    let all = document.select_single(selector);
    let of = |text: &str| text.split_whitespace().map(str::len).sum::<usize>();
    let mut bytes = of(&all.text());
    // Counted once each: elements of one kind that lie in one another are rare, and only ever make it less.
    for frame in all.select("body > header, body > nav, body > footer").nodes() {
        bytes = bytes.saturating_sub(of(&frame.text()));
    }
    bytes
}

/// What single-page programs are put into.
const FRAMES: &str = "#root, #app, #__next, #__nuxt, #q-app, #svelte, #main-app, #app-root, #application, app-root, [ng-app], \
    [data-reactroot], #react-root, #___gatsby, #redoc, redoc, #swagger-ui, rapi-doc, elements-api, #docsify";

/// Forms of those that log people in: OAuth and SAML, Keycloak, Okta, Microsoft, Google, Cloudflare, oauth2-proxy, Pomerium,
/// Authelia, Authentik.
const SINGLE_SIGN_ON: &str = "input[name=SAMLRequest], input[name=SAMLResponse], input[name=RelayState], #kc-form-login, \
    #okta-sign-in, #okta-login-container, ak-flow-executor, form[action*='/oauth2/start'], form[action*='/oauth2/sign_in'], \
    form[action*='login.microsoftonline.com'], form[action*='accounts.google.com'], form[action*='/cdn-cgi/access/'], \
    form[action*='.okta.com'], form[action*='.auth0.com'], form[action*='/oauth2/authorize'], form[action*='/saml'], \
    form[action*='/.pomerium'], a[href*='/oauth2/start'], meta[name=authelia]";

/// How titles begin or end that ask one to log in.
const LOGINS: &[&str] = &[
    "login",
    "log in",
    "log on",
    "logon",
    "sign in",
    "signin",
    "sign-in",
    "single sign-on",
    "anmelden",
    "anmeldung",
    "einloggen",
    "connexion",
    "se connecter",
    "iniciar sesión",
    "accedi",
    "inloggen",
    "entrar",
    "logga in",
    "ログイン",
    "サインイン",
    "登录",
    "登錄",
    "로그인",
    "вход",
    "войти",
    "zaloguj",
    "přihlášení",
];
