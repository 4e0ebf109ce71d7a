//! One operation: what it does, what it takes, what it answers.

use std::collections::HashSet;

use super::overview;
use super::pen::{Pen, code, heading, strong, write_example};
use super::refs::At;
use super::schema::{Field, Fields, Way};
use super::tree::Node;
use crate::page::Failure;
use crate::render::writer::Writer;

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

/// Responses of one operation, and ways to write one body, at most.
const MAX_RESPONSES: usize = 100;
const MAX_MEDIA: usize = 10;

/// An operation, where it stands.
#[derive(Clone, Copy)]
pub(super) struct Operation<'a> {
    method: &'a str,
    /// The path, or the name of a webhook.
    path: &'a str,
    is_webhook: bool,
    at: At<'a>,
    /// What all operations of the path share.
    shared: At<'a>,
}

/// Every operation of the document, in its order.
pub(super) fn all<'a>(pen: &Pen<'a>) -> impl Iterator<Item = Operation<'a>> {
    let root = pen.documents.root();
    let documents = pen.documents;
    let paths = root.map("paths").map(|(path, item)| (path, item, false));
    let webhooks = root.map("webhooks").map(|(path, item)| (path, item, true));
    paths.chain(webhooks).filter(|(path, ..)| !path.starts_with("x-")).flat_map(move |(path, item, is_webhook)| {
        let shared = documents.follow(item);
        let methods = shared.node.entries().filter(|(method, _)| METHODS.contains(method));
        let all = methods.filter_map(move |(method, _)| {
            let at = documents.follow(shared.get(method)?);
            let is_kept = !(at.is("x-internal") || shared.is("x-internal"));
            is_kept.then_some(Operation { method, path, is_webhook, at, shared })
        });
        all.collect::<Vec<_>>()
    })
}

impl<'a> Operation<'a> {
    /// The tags that claim it.
    pub(super) fn tags(self) -> impl Iterator<Item = &'a str> {
        self.at.list("tags").filter_map(|tag| tag.node.scalar()).filter(|tag| !tag.trim().is_empty())
    }

    /// Writes it, its heading first.
    pub(super) fn write(self, pen: &Pen<'a>, html: &mut Writer) -> Result<(), Failure> {
        let call = if self.is_webhook {
            format!("Webhook {} ({})", self.path, self.method.to_ascii_uppercase())
        } else {
            format!("{} {}", self.method.to_ascii_uppercase(), self.path)
        };
        pen.begin(&call);
        let id = self.at.text("operationId");
        let id = id.filter(|id| !id.is_empty());
        let summary = self.at.text("summary").or(self.shared.text("summary")).map(str::trim);
        heading(html, "h2", summary.filter(|text| !text.is_empty()).or(id).unwrap_or(&call));
        html.open("p");
        code(html, &call);
        if let Some(id) = id {
            html.text(" (operation ");
            code(html, id);
            html.text(")");
        }
        html.close();
        if self.at.is("deprecated") {
            html.open("p");
            strong(html, "Deprecated.");
            html.close();
        }
        pen.description(html, Some(self.at).filter(|at| at.has_text("description")).or(Some(self.shared)), &call)?;
        overview::more(html, self.at);
        overview::servers(html, self.at, "h3");
        let parameters = self.parameters(pen);
        let listed = parameters.iter().filter(|at| !matches!(at.text("in"), Some("body" | "formData")));
        listing(pen, html, "Parameters", listed.copied(), &call)?;
        self.body(pen, html, &parameters, &call)?;
        self.responses(pen, html, &call)?;
        self.security(pen, html);
        let callbacks: Vec<&str> = self.at.map("callbacks").map(|(name, _)| name).take(MAX_RESPONSES).collect();
        if !callbacks.is_empty() {
            html.open("p");
            html.text(&format!("Calls back: {}.", callbacks.join(", ")));
            html.close();
        }
        Ok(())
    }

    /// Its parameters and those of its path that it does not replace.
    fn parameters(self, pen: &Pen<'a>) -> Vec<At<'a>> {
        let mut seen = HashSet::new();
        let mut parameters = Vec::new();
        let own: Vec<At<'a>> = self.at.list("parameters").map(|at| pen.documents.follow(at)).collect();
        let taken: HashSet<(Option<&str>, Option<&str>)> =
            own.iter().map(|at| (at.text("name"), at.text("in"))).collect();
        let shared = self.shared.list("parameters").map(|at| pen.documents.follow(at));
        let shared = shared.filter(|at| !taken.contains(&(at.text("name"), at.text("in"))));
        for at in shared.chain(own.iter().copied()) {
            if !pen.has_room() {
                break;
            }
            if !at.is("x-internal") && at.has_text("name") && seen.insert((at.text("name"), at.text("in"))) {
                parameters.push(at);
            }
        }
        parameters
    }

    fn body(self, pen: &Pen<'a>, html: &mut Writer, parameters: &[At<'a>], place: &str) -> Result<(), Failure> {
        let fields = Fields { pen, way: Way::Request, place };
        if let Some(body) = self.at.get("requestBody").map(|at| pen.documents.follow(at)) {
            heading(html, "h3", if body.is("required") { "Request body (required)" } else { "Request body" });
            pen.description(html, Some(body), place)?;
            return media(&fields, html, body, &mut Told::default());
        }
        if let Some(body) = parameters.iter().find(|at| at.text("in") == Some("body")) {
            heading(html, "h3", if body.is("required") { "Request body (required)" } else { "Request body" });
            pen.description(html, Some(*body), place)?;
            self.old_types(pen, html, "consumes");
            if let Some(schema) = body.get("schema") {
                written_schema(&fields, html, schema)?;
            }
        }
        let form = parameters.iter().filter(|at| at.text("in") == Some("formData"));
        listing(pen, html, "Form", form.copied(), place)
    }

    fn responses(self, pen: &Pen<'a>, html: &mut Writer, place: &str) -> Result<(), Failure> {
        let mut responses = self.at.map("responses").filter(|(status, _)| !status.starts_with("x-")).peekable();
        if responses.peek().is_none() {
            return Ok(());
        }
        heading(html, "h3", "Responses");
        let fields = Fields { pen, way: Way::Response, place };
        let mut told = Told::default();
        html.open("ul");
        for (status, at) in responses.take(MAX_RESPONSES) {
            if !pen.has_room() {
                break;
            }
            let response = pen.documents.follow(at);
            html.open("li");
            strong(html, if status == "default" { "Otherwise" } else { status });
            if let Some(text) = response.text("description").filter(|text| !text.trim().is_empty()) {
                html.text(": ");
                pen.inline(html, text, place)?;
            }
            headers(&fields, html, response, &mut told)?;
            media(&fields, html, response, &mut told)?;
            if let Some(schema) = response.get("schema") {
                self.old_types(pen, html, "produces");
                if told.is_new(pen.documents.follow(schema)) {
                    written_schema(&fields, html, schema)?;
                } else {
                    as_above(&fields, html, schema);
                }
                if let Some((_, example)) = response.map("examples").next() {
                    write_example(html, example.node);
                }
            }
            html.close();
        }
        html.close();
        Ok(())
    }

    /// The media types that 2.0 names for the operation or for all of them.
    fn old_types(self, pen: &Pen<'a>, html: &mut Writer, key: &str) {
        let own: Vec<&str> = self.at.list(key).filter_map(|at| at.node.scalar()).take(MAX_MEDIA).collect();
        let all = || pen.documents.root().list(key).filter_map(|at| at.node.scalar()).take(MAX_MEDIA).collect();
        let types: Vec<&str> = if self.at.get(key).is_some() { own } else { all() };
        if !types.is_empty() {
            html.open("p");
            code(html, &types.join(", "));
            html.close();
        }
    }

    fn security(self, pen: &Pen<'a>, html: &mut Writer) {
        let at = if self.at.get("security").is_some() { self.at } else { pen.documents.root() };
        let ways: Vec<String> = at.list("security").take(MAX_MEDIA).map(|way| overview::security(way.node)).collect();
        if ways.is_empty() {
            return;
        }
        heading(html, "h3", "Authorization");
        html.open("p");
        html.text(&ways.join("; or "));
        html.close();
    }
}

/// Writes parameters as a list under a heading, if there are any.
fn listing<'a>(
    pen: &Pen<'a>,
    html: &mut Writer,
    title: &str,
    parameters: impl Iterator<Item = At<'a>>,
    place: &str,
) -> Result<(), Failure> {
    let mut parameters = parameters.peekable();
    if parameters.peek().is_none() {
        return Ok(());
    }
    heading(html, "h3", title);
    html.open("ul");
    let fields = Fields { pen, way: Way::Request, place };
    for at in parameters {
        // In 2.0 a parameter is its own schema.
        let in_content = || at.map("content").next().and_then(|(_, media)| media.get("schema"));
        let schema = at.get("schema").or_else(in_content).or(Some(at));
        let field = Field {
            name: at.text("name").unwrap_or_default(),
            place: at.text("in").map(|place| if place == "formData" { "form" } else { place }),
            schema,
            is_required: at.is("required"),
            is_deprecated: at.is("deprecated"),
            description: at.text("description"),
            example: at.node.get("example").or_else(|| first_example(pen, at)),
        };
        fields.field(html, &field, &mut Vec::new())?;
    }
    html.close();
    Ok(())
}

/// What was written of an operation before: its answers to errors are mostly one.
#[derive(Default)]
struct Told<'a>(Vec<At<'a>>);

impl<'a> Told<'a> {
    fn is_new(&mut self, at: At<'a>) -> bool {
        let is_new = !self.0.iter().any(|told| told.is_same(at));
        if is_new && self.0.len() < MAX_RESPONSES {
            self.0.push(at);
        }
        is_new
    }
}

/// Writes what a body or a response may be written in, each with its fields.
fn media<'a>(fields: &Fields<'_, 'a>, html: &mut Writer, body: At<'a>, told: &mut Told<'a>) -> Result<(), Failure> {
    for (name, media) in body.map("content").take(MAX_MEDIA) {
        html.open("p");
        code(html, name);
        html.close();
        let schema = media.get("schema");
        let own = schema.map(|schema| fields.pen.documents.follow(schema));
        let is_new = own.is_none_or(|own| told.is_new(own));
        match schema {
            Some(schema) if is_new => written_schema(fields, html, schema)?,
            Some(schema) => as_above(fields, html, schema),
            None => {}
        }
        let example = media.node.get("example").or_else(|| first_example(fields.pen, media));
        if let Some(example) = example.or_else(|| own?.node.get("example")).filter(|_| is_new) {
            write_example(html, example);
        }
    }
    Ok(())
}

fn as_above<'a>(fields: &Fields<'_, 'a>, html: &mut Writer, schema: At<'a>) {
    let kind = fields.type_of(schema, 0);
    html.open("p");
    html.text(&if kind.is_empty() { "as above".to_owned() } else { format!("{kind}, as above") });
    html.close();
}

/// Writes a schema that has no name of its own: its type, what it must be like, its fields.
fn written_schema<'a>(fields: &Fields<'_, 'a>, html: &mut Writer, schema: At<'a>) -> Result<(), Failure> {
    let kind = fields.type_of(schema, 0);
    let own = fields.pen.documents.follow(schema);
    let text = own.text("description").filter(|text| !text.trim().is_empty());
    if !kind.is_empty() || text.is_some() {
        html.open("p");
        html.text(&kind);
        if let Some(text) = text {
            html.text(if kind.is_empty() { "" } else { ": " });
            fields.pen.inline(html, text, fields.place)?;
        }
        html.close();
    }
    fields.fields_of(html, schema, &mut Vec::new())
}

fn headers<'a>(
    fields: &Fields<'_, 'a>,
    html: &mut Writer,
    response: At<'a>,
    told: &mut Told<'a>,
) -> Result<(), Failure> {
    let all = response.map("headers").map(|(name, at)| (name, fields.pen.documents.follow(at)));
    let mut headers = all.filter(|(_, header)| told.is_new(*header)).peekable();
    if headers.peek().is_none() {
        return Ok(());
    }
    html.open("ul");
    for (name, header) in headers {
        if !fields.pen.has_room() {
            break;
        }
        let field = Field {
            name,
            place: Some("header"),
            schema: header.get("schema").or(Some(header)),
            is_required: header.is("required"),
            is_deprecated: header.is("deprecated"),
            description: header.text("description"),
            example: header.node.get("example"),
        };
        fields.field(html, &field, &mut Vec::new())?;
    }
    html.close();
    Ok(())
}

/// The first of several examples.
fn first_example<'a>(pen: &Pen<'a>, at: At<'a>) -> Option<&'a Node> {
    let (_, example) = at.map("examples").next()?;
    pen.documents.follow(example).node.get("value")
}
