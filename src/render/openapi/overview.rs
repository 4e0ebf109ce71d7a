//! What a description says of the whole: what it is, where it lies, how one is let in, what there is.

use super::Tag;
use super::pen::{Pen, code, heading, strong};
use super::refs::At;
use super::tree::Node;
use crate::page::Failure;
use crate::render::writer::Writer;
use crate::site::absolute;

/// Servers, ways in, scopes and the like, at most.
const MAX_ITEMS: usize = 200;

/// Writes the document's own page but for its operations.
pub(super) fn write(pen: &Pen<'_>, title: Option<&str>, tags: &[Tag<'_>], html: &mut Writer) -> Result<(), Failure> {
    let root = pen.documents.root();
    let info = root.get("info");
    if let Some(title) = title {
        heading(html, "h1", title);
    }
    let say = |key: &str| info.and_then(|info| info.text(key)).map(str::trim).filter(|text| !text.is_empty());
    if let Some(summary) = say("summary") {
        paragraph(html, summary);
    }
    if let Some(version) = say("version") {
        paragraph(html, &format!("Version {version}"));
    }
    pen.description(html, info, "")?;
    more(html, root);
    old_server(html, root);
    servers(html, root, "h2");
    schemes(pen, html, root)?;
    list(pen, tags, html)?;
    if let Some(info) = info {
        about(html, info);
    }
    Ok(())
}

/// Writes where the interface lies.
pub(super) fn servers(html: &mut Writer, at: At<'_>, level: &'static str) {
    let mut servers = at.list("servers").filter(|server| server.has_text("url")).peekable();
    if servers.peek().is_none() {
        return;
    }
    heading(html, level, "Servers");
    html.open("ul");
    for server in servers.take(MAX_ITEMS) {
        html.open("li");
        code(html, server.text("url").unwrap_or_default());
        if let Some(text) = server.text("description") {
            html.text(&format!(": {}.", text.trim().trim_end_matches('.')));
        }
        for (name, variable) in server.map("variables").take(MAX_ITEMS) {
            html.text(" ");
            code(html, &format!("{{{name}}}"));
            if let Some(text) = variable.text("description") {
                html.text(&format!(" is {text}"));
            }
            let values: Vec<&str> =
                variable.list("enum").filter_map(|value| value.node.scalar()).take(MAX_ITEMS).collect();
            if !values.is_empty() {
                html.text(&format!(" (one of {})", values.join(", ")));
            }
            if let Some(text) = variable.text("default") {
                html.text(", by default ");
                code(html, text);
            }
            html.text(".");
        }
        html.close();
    }
    html.close();
}

/// Where more is written about something.
pub(super) fn more(html: &mut Writer, at: At<'_>) {
    let Some(docs) = at.get("externalDocs") else { return };
    let Some(url) = docs.text("url").and_then(absolute) else { return };
    let text = docs.text("description").map(str::trim).filter(|text| !text.is_empty()).unwrap_or("More about it");
    html.open("p");
    html.open_with("a", &[("href", url.as_str())]);
    html.text(text);
    html.close();
    html.close();
}

/// One way to be let in: every scheme that it needs, with the scopes.
pub(super) fn security(way: &Node) -> String {
    let needs: Vec<String> = way
        .entries()
        .take(MAX_ITEMS)
        .map(|(name, scopes)| {
            let scopes: Vec<&str> = scopes.items().iter().filter_map(Node::scalar).take(MAX_ITEMS).collect();
            if scopes.is_empty() { name.to_owned() } else { format!("{name} (scopes: {})", scopes.join(", ")) }
        })
        .collect();
    if needs.is_empty() { "none".to_owned() } else { needs.join(" and ") }
}

/// Where an interface of 2.0 lies.
fn old_server(html: &mut Writer, root: At<'_>) {
    let path = root.text("basePath").unwrap_or_default();
    let Some(host) = root.text("host") else {
        if root.get("swagger").is_some() && path.len() > 1 {
            html.open("p");
            html.text("All paths begin with ");
            code(html, path);
            html.text(".");
            html.close();
        }
        return;
    };
    heading(html, "h2", "Servers");
    html.open("ul");
    let schemes: Vec<&str> = root.list("schemes").filter_map(|scheme| scheme.node.scalar()).take(4).collect();
    for scheme in if schemes.is_empty() { vec!["https"] } else { schemes } {
        html.open("li");
        code(html, &format!("{scheme}://{host}{}", path.trim_end_matches('/')));
        html.close();
    }
    html.close();
}

/// Writes how one is let in.
fn schemes(pen: &Pen<'_>, html: &mut Writer, root: At<'_>) -> Result<(), Failure> {
    let new = root.get("components").map(|components| components.map("securitySchemes"));
    let mut schemes = new.into_iter().flatten().chain(root.map("securityDefinitions")).peekable();
    if schemes.peek().is_none() {
        return Ok(());
    }
    heading(html, "h2", "Authentication");
    html.open("ul");
    for (name, at) in schemes.take(MAX_ITEMS) {
        let scheme = pen.documents.follow(at);
        let say = |key: &str| scheme.text(key).unwrap_or_default();
        html.open("li");
        code(html, name);
        let what = match (say("type"), say("scheme").to_ascii_lowercase().as_str()) {
            ("http", "bearer") if !say("bearerFormat").is_empty() => format!("bearer token ({})", say("bearerFormat")),
            ("http", "bearer") => "bearer token".to_owned(),
            ("http", "basic") | ("basic", _) => "user name and password (HTTP basic)".to_owned(),
            ("http", other) => format!("HTTP {other}"),
            ("apiKey", _) => format!("API key in the {} {}", say("in"), say("name")),
            ("oauth2", _) => "OAuth 2.0".to_owned(),
            ("openIdConnect", _) => format!("OpenID Connect ({})", say("openIdConnectUrl")),
            ("mutualTLS", _) => "mutual TLS".to_owned(),
            (other, _) => other.to_owned(),
        };
        html.text(&format!(": {what}. "));
        if let Some(text) = scheme.text("description") {
            pen.inline(html, text, name)?;
        }
        let old = scheme.text("flow").map(|flow| (flow, scheme));
        let flows: Vec<(&str, At<'_>)> =
            scheme.map("flows").filter(|(flow, _)| !flow.starts_with("x-")).chain(old).collect();
        if !flows.is_empty() {
            html.open("ul");
            for (flow, at) in flows.into_iter().take(MAX_ITEMS) {
                flow_item(html, flow, at);
            }
            html.close();
        }
        html.close();
    }
    html.close();
    Ok(())
}

fn flow_item(html: &mut Writer, flow: &str, at: At<'_>) {
    html.open("li");
    html.text(&format!("flow {flow}"));
    for (key, word) in
        [("authorizationUrl", "authorization at"), ("tokenUrl", "token from"), ("refreshUrl", "refresh at")]
    {
        if let Some(url) = at.text(key) {
            html.text(&format!(", {word} "));
            code(html, url);
        }
    }
    let scopes: Vec<(&str, At<'_>)> = at.map("scopes").take(MAX_ITEMS).collect();
    if !scopes.is_empty() {
        html.open("ul");
        for (scope, text) in scopes {
            html.open("li");
            code(html, scope);
            if let Some(text) = text.node.scalar().filter(|text| !text.trim().is_empty()) {
                html.text(&format!(": {text}"));
            }
            html.close();
        }
        html.close();
    }
    html.close();
}

/// Writes what there is, by tag.
fn list(pen: &Pen<'_>, tags: &[Tag<'_>], html: &mut Writer) -> Result<(), Failure> {
    let mut named = tags.iter().filter(|tag| tag.name.is_some()).peekable();
    if named.peek().is_none() {
        return Ok(());
    }
    heading(html, "h2", "Topics");
    html.open("ul");
    for tag in named {
        let says = tag.at.filter(|at| at.has_text("description"));
        if tag.operations.is_empty() && says.is_none() {
            continue;
        }
        html.open("li");
        strong(html, &tag.shown());
        if let Some(text) = says.and_then(|at| at.text("description")) {
            html.text(": ");
            pen.inline(html, text, tag.name.unwrap_or_default())?;
        }
        html.close();
    }
    html.close();
    Ok(())
}

/// Writes whom one asks, and on what terms.
fn about(html: &mut Writer, info: At<'_>) {
    if let Some(contact) = info.get("contact") {
        let say = |key: &str| contact.text(key).map(str::trim).filter(|text| !text.is_empty());
        let whom: Vec<&str> = ["name", "email", "url"].into_iter().filter_map(say).collect();
        if !whom.is_empty() {
            paragraph(html, &format!("Contact: {}", whom.join(", ")));
        }
    }
    if let Some(name) = info.get("license").and_then(|license| license.text("name")) {
        paragraph(html, &format!("License: {name}"));
    }
    if let Some(terms) = info.text("termsOfService") {
        paragraph(html, &format!("Terms of service: {terms}"));
    }
}

fn paragraph(html: &mut Writer, text: &str) {
    html.open("p");
    html.text(text);
    html.close();
}
