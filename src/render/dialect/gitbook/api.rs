//! Blocks that describe calls of an API: what they say in attributes becomes text beside what they hold.

use super::tags::Tag;
use super::{Book, Ends, escaped, label};

/// Parts of the older blocks, and the headings that they show.
const PARTS: &[(&str, &str)] = &[
    ("api-method-summary", ""),
    ("api-method-description", ""),
    ("api-method-spec", ""),
    ("api-method-request", "Request"),
    ("api-method-path-parameters", "Path Parameters"),
    ("api-method-query-parameters", "Query Parameters"),
    ("api-method-form-data-parameters", "Form Data Parameters"),
    ("api-method-body-parameters", "Body Parameters"),
    ("api-method-headers", "Headers"),
    ("api-method-response", "Response"),
    ("api-method-response-example-description", ""),
    ("swagger-description", ""),
];

pub(super) fn is_known(name: &str) -> bool {
    matches!(
        name,
        "openapi"
            | "openapi-operation"
            | "openapi-schemas"
            | "swagger"
            | "swagger-parameter"
            | "swagger-response"
            | "api-method"
            | "api-method-parameter"
            | "api-method-response-example"
    ) || PARTS.iter().any(|(known, _)| *known == name)
}

impl Book<'_> {
    pub(super) fn api(&mut self, tag: &Tag<'_>, indent: usize, origin: u32, ends: &Ends, at: usize) {
        let value = |name: &str| tag.attribute(name).unwrap_or_default().trim().to_owned();
        let call = || {
            let path = format!("{}{}{}", value("baseUrl"), value("host"), value("path")).replace('`', "");
            let call = format!("{} {path}", value("method").to_uppercase());
            if call.trim().is_empty() { String::new() } else { format!("`{}`", call.trim()) }
        };
        let texts = match tag.name {
            "openapi" | "openapi-operation" | "openapi-schemas" => {
                let message =
                    "its text is made from an OpenAPI description, which is not read here: only the call is kept";
                self.out.warn("unknown_construct", origin, format!("`{{% {} %}}`: {message}", tag.name));
                vec![call()]
            }
            "swagger" | "api-method" => vec![label(&value("summary")), call()],
            "swagger-parameter" | "api-method-parameter" => {
                let is_required = value("required") == "true";
                let words = [value("in"), value("type"), if is_required { "required".into() } else { String::new() }];
                let words = words.iter().filter(|word| !word.is_empty()).map(|word| escaped(word)).collect::<Vec<_>>();
                vec![format!("{} {}", label(&value("name").replace('\\', "")), words.join(", "))]
            }
            "swagger-response" | "api-method-response-example" => {
                let status = format!("{}{}", value("status"), value("httpCode"));
                vec![format!("{} {}", label(&status), escaped(&value("description")))]
            }
            name => {
                let heading = PARTS.iter().find(|(known, _)| *known == name).map_or("", |(_, heading)| heading);
                vec![label(heading)]
            }
        };
        for text in texts {
            self.paragraph_at(indent, origin, text.trim());
        }
        // What an OpenAPI block holds is a link to the description, which readers do not see.
        if tag.name.starts_with("openapi") {
            if ends.closes(tag.name, at) && self.blocks.len() < super::MAX_DEPTH {
                self.open(tag.name, indent, false, true);
            }
        } else {
            self.opens(tag, indent, origin, false, ends, at);
        }
    }
}
