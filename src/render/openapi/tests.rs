//! Descriptions in, pages out: what is told, what is bounded, what is left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::page::{DocPath, Failure};
use crate::render::{Availability, Inputs, PageOptions, PagePolicies, Rendered, Subject, facts, render};
use crate::site::{Alone, Generator, Site, SiteOptions, UrlStyle};

struct Files(BTreeMap<&'static str, &'static str>);

impl Inputs for Files {
    fn page_url(&self, path: &DocPath) -> Option<String> {
        (path.as_str() == "guide/keys.md").then(|| "https://d.example/guide/keys/".to_owned())
    }

    fn file(&self, path: &DocPath) -> Option<Arc<[u8]>> {
        self.0.get(path.as_str()).map(|text| text.as_bytes().into())
    }
}

/// The pages of a description in `api/spec.yaml` beside these files; or why there are none.
fn pages(text: &str, files: &[(&'static str, &'static str)]) -> Result<Vec<Rendered>, Failure> {
    let base_url = Some(url::Url::parse("https://d.example/").unwrap());
    // No site has a url for such a file unless somebody says it.
    let urls = UrlStyle::template("{path}/").unwrap();
    let options = SiteOptions { generator: Generator::Plain, base_url, urls, settings: BTreeMap::new() };
    let site = Site::plain(options);
    let page = PageOptions {
        locale: "en".into(),
        ai_agent: true,
        ai_copilot: true,
        availability: Availability::OnCreate,
        policies: PagePolicies::default(),
    };
    let path = DocPath::new("api/spec.yaml");
    let facts = facts(&path, text.as_bytes(), &site)?;
    let placement = site.place(&path, &facts, &Alone);
    if let Some(reason) = placement.excluded {
        return Err(Failure::new("excluded", reason));
    }
    let subject = Subject { path: &path, bytes: text.as_bytes(), facts: &facts, placement: &placement };
    render(subject, &site, &page, &Files(files.iter().copied().collect()))
}

fn show(pages: &[Rendered]) -> String {
    pages.iter().fold(String::new(), |mut out, rendered| {
        let page = &rendered.page;
        write!(out, "== {} | {} | {}\n{}\n", page.external_id, page.title, page.url.as_deref().unwrap(), page.html)
            .unwrap();
        for warning in &rendered.warnings {
            writeln!(out, "! {}: {}", warning.code, warning.message).unwrap();
        }
        out
    })
}

const PETS: &str = r##"---
openapi: 3.1.0
info:
  title: Pet Store
  version: 1.0
  description: |
    # Start here
    Get a [key](../guide/keys.md) first.
servers:
  - url: https://{region}.pets.example/v1
    description: Production
    variables: { region: { default: eu, enum: [eu, us] } }
tags:
  - name: pets
    x-displayName: Pets
    description: All about *pets*.
  - name: unused
  - name: guide
    x-traitTag: true
    description: How to page through lists.
security: [{ key: [] }]
paths:
  /pets/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: integer, format: int64 }, description: The pet }
    get:
      tags: [pets]
      operationId: getPet
      summary: Find a pet
      description: "See [keys](../guide/keys.md), not [that](gone.md). <script>x</script>"
      parameters:
        - { $ref: "#/components/parameters/Limit" }
      responses:
        200:
          description: The pet
          headers: { X-Rate: { schema: { type: integer }, description: Calls left } }
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Pet" }
              example: { id: 1, name: Rex }
        404: { $ref: "#/components/responses/Error" }
        default: { $ref: "#/components/responses/Error" }
    put:
      tags: [pets, late]
      deprecated: true
      requestBody:
        required: true
        content:
          application/json: { schema: { $ref: "schemas/new.yaml#/NewPet" } }
      responses: { 204: { description: Done } }
      security: [{ key: [] }, { oauth: ["pets:write"] }, {}]
    delete: { tags: [pets], x-internal: true, summary: Never told }
  /health:
    get: { summary: Health, responses: { 200: { description: Fine } } }
webhooks:
  petSold: { post: { tags: [late], summary: A pet was sold } }
components:
  parameters:
    Limit: { name: limit, in: query, schema: { type: integer, default: 20, maximum: 100 }, example: 5 }
  responses:
    Error:
      description: It failed
      content: { application/json: { schema: { $ref: "#/components/schemas/Error" } } }
  schemas:
    Error: { type: object, properties: { code: { type: string, enum: [no_pet, broken] } } }
    Base: { type: object, required: [id], properties: { id: { type: integer, readOnly: true } } }
    Pet:
      allOf:
        - $ref: "#/components/schemas/Base"
        - type: object
          required: [name]
          properties:
            name: { type: string, description: What it is called, minLength: 1 }
            kind: { oneOf: [{ $ref: "#/components/schemas/Cat" }, { $ref: "#/components/schemas/Dog" }] }
            parent: { $ref: "#/components/schemas/Pet", description: Who bore it }
            friends: { type: array, items: { $ref: "#/components/schemas/Pet" } }
            born: { type: [string, "null"], format: date }
            extra: { type: object, additionalProperties: { type: string } }
            lost: { $ref: "#/components/schemas/Lost" }
    Cat: { type: object, description: A cat, properties: { lives: { type: integer, const: 9 } } }
    Dog: { type: object, properties: { tricks: { type: array, items: { type: string } } } }
  securitySchemes:
    key: { type: apiKey, in: header, name: X-Key, description: From your account }
    oauth:
      type: oauth2
      flows: { clientCredentials: { tokenUrl: https://pets.example/token, scopes: { "pets:write": Change pets } } }
"##;

#[test]
fn a_description_is_a_page_for_each_tag() {
    let files = [
        (
            "api/schemas/new.yaml",
            "NewPet:\n  properties:\n    id: {type: integer, readOnly: true}\n    name: {type: string}\n    owner: {$ref: 'owner.json'}\n",
        ),
        ("api/schemas/owner.json", r#"{"type": "object", "properties": {"mail": {"type": "string"}}}"#),
    ];
    insta::assert_snapshot!(show(&pages(PETS, &files).unwrap()));
}

#[test]
fn version_two_is_told_as_version_three_is() {
    let text = r##"{"swagger": "2.0", "info": {"title": "Old", "version": "2"}, "host": "old.example", "basePath": "/v2/",
        "schemes": ["https"], "consumes": ["application/json"], "produces": ["application/json"],
        "securityDefinitions": {"login": {"type": "basic"}},
        "paths": {"/a": {"post": {"tags": ["A"], "parameters": [
            {"name": "q", "in": "query", "type": "array", "items": {"type": "string", "enum": ["x", "y"]}},
            {"name": "body", "in": "body", "required": true, "description": "The thing", "schema": {"$ref": "#/definitions/T"}},
            {"name": "file", "in": "formData", "type": "file"}],
            "responses": {"200": {"description": "ok", "schema": {"type": "array", "items": {"$ref": "#/definitions/T"}},
                "examples": {"application/json": [{"n": 1}]}}}}}},
        "definitions": {"T": {"properties": {"n": {"type": "integer", "minimum": 0}}}}}"##;
    insta::assert_snapshot!(show(&pages(text, &[]).unwrap()));
}

#[test]
fn only_descriptions_are_pages_and_a_broken_one_fails() {
    let code = |text: &str| pages(text, &[]).err().map(|failure| failure.code);
    for (text, expected) in [
        ("openapi: 3.0.0\ninfo: {title: X}\n", None),
        ("'swagger': '2.0'\n", Some("empty")),
        ("{\"a\": 1}", Some("excluded")),
        ("kind: Deployment\nspec: {openapi: none}\n", Some("excluded")),
        ("{{ template }}\n  - :", Some("excluded")),
        ("docs: about openapi: 3\n", Some("excluded")),
        ("", Some("empty")),
        ("openapi: 3.0.0\npaths: [\n", Some("openapi")),
        ("{\"openapi\": \"3.0.0\", \"paths\": {", Some("openapi")),
    ] {
        assert_eq!(code(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn what_refers_to_itself_ends() {
    let text = r##"
openapi: 3.0.0
info: { title: Cycles }
paths:
  /a:
    get:
      tags: [x]
      parameters: [{ $ref: "#/components/parameters/p" }]
      responses:
        200: { content: { a/b: { schema: { $ref: "#/components/schemas/A" } } } }
  /b: { $ref: "#/paths/~1b" }
components:
  parameters: { p: { $ref: "#/components/parameters/q" }, q: { $ref: "#/components/parameters/p" } }
  schemas:
    A: { allOf: [{ $ref: "#/components/schemas/A" }, { $ref: "#/components/schemas/B" }] }
    B:
      properties:
        a: { $ref: "#/components/schemas/A" }
        c: { oneOf: [{ $ref: "#/components/schemas/B" }, { $ref: "#/components/schemas/L" }] }
    L: { type: array, items: { $ref: "#/components/schemas/L" } }
"##;
    let pages = pages(text, &[]).unwrap();
    assert_eq!(pages.len(), 2);
    assert!(pages[1].page.html.contains("<code>c</code>"), "{}", pages[1].page.html);
}

#[test]
fn a_big_schema_is_told_up_to_a_limit_in_each_operation() {
    const FIELDS: usize = 1_000;
    let text = |operations: usize| {
        let mut text = "openapi: 3.0.0\ninfo: {title: Big}\npaths:\n".to_owned();
        for n in 0..operations {
            writeln!(text, "  /p{n}:\n    get: {{tags: [t{}], summary: S{n}, description: \"Does **{n}**\", responses: {{200: {{description: ok, content: {{a/b: {{schema: {{$ref: '#/components/schemas/S'}}}}}}}}}}}}", n % 10).unwrap();
        }
        text.push_str("components:\n  schemas:\n    S:\n      properties:\n");
        for n in 0..FIELDS {
            writeln!(text, "        f{n}: {{$ref: '#/components/schemas/S'}}").unwrap();
        }
        text
    };
    let bytes = |operations: usize| {
        let pages = pages(&text(operations), &[]).unwrap();
        assert_eq!(pages.len(), 11);
        pages.iter().map(|page| page.page.html.len()).sum::<usize>()
    };
    let (some, more) = (bytes(20), bytes(40));
    assert!(more < some * 3, "{some} {more}");
}

#[test]
fn a_description_that_is_cut_off_or_of_an_unknown_version_is_not_taken_for_another_document() {
    let code = |text: &str| pages(text, &[]).unwrap_err().code.clone();
    for text in [
        "{\"components\": {}, \"info\": {\"title\": \"A\"}, \"op",
        "components: {}\ninfo:\n  title: A\npaths:\n  /a:\n",
        "openapi: 4.0.0\ninfo: {title: A}\n",
        "{\"swagger\": \"1.2\"}",
        "openapi: 3.1.0\ninfo: {title: [A\n",
    ] {
        assert_eq!(code(text), "openapi", "{text}");
    }
    for text in ["{\"devDependencies\": {\"swagger\": \"4.1.0\"}}", "info: x\n", "{{ template }}\na: b\n", "[1, 2]"] {
        assert_eq!(code(text), "excluded", "{text}");
    }
}
