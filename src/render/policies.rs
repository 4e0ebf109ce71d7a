//! What the configuration asks of pages beyond their text: parts, limits, strictness, the language that is sent.

use super::{PageOptions, Part, Warning, fails};
use crate::page::Failure;
use crate::site::Placement;

/// What the configuration asks of every page of a source beyond its text; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PagePolicies {
    /// Whether what is not understood in a document fails it.
    pub strict: bool,
    /// A page whose html has more bytes becomes several, one for each second-level heading; `None`: none does.
    pub split_over: Option<u64>,
    /// Whether a page begins with a line that says where it stands: product › section › page.
    pub context: bool,
    /// What that line calls the product; without it, as the site is called.
    pub product: Option<String>,
    /// A longer title is shortened, in characters.
    pub max_title: Option<usize>,
    /// A page whose html has more bytes fails.
    pub max_html: Option<u64>,
    /// Whether another language than English may be sent: below version 2.17 of Intercom's API it may not.
    pub sends_locales: bool,
}

/// The warnings that are failures of the page under `strict`: constructs that were not understood, and includes that are
/// missing or never end.
const STRICT: &[&str] = &["unknown_construct", "missing_include", "include_cycle"];

/// Why a document fails whose constructs must all be understood.
pub(super) fn strict(parts: &[Part]) -> Option<Failure> {
    let warnings = parts.iter().flat_map(|part| &part.warnings);
    let mut found: Vec<&Warning> = warnings.filter(|warning| STRICT.contains(&warning.code.as_str())).collect();
    found.sort_by_key(|warning| warning.line);
    let first = found.first()?;
    let line = first.line.map(|line| format!("line {line}: ")).unwrap_or_default();
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more like it"),
    };
    Some(fails("strict", format!("{line}{}{more}; mend it, or set `page.strict: false`", first.message)))
}

/// The language of a page that is sent: the site's own word for it, as Intercom writes it, else the configured one.
pub(super) fn locale(placement: &Placement, options: &PageOptions) -> String {
    let own = placement.locale.as_deref().filter(|_| options.policies.sends_locales).and_then(code);
    // The configuration may say more of the same language: `pt-BR` of a site that says `pt`.
    own.filter(|own| language(own) != language(&options.locale)).unwrap_or_else(|| options.locale.clone())
}

/// The code of a language tag: the language, and of Portuguese and Chinese, of which Intercom has several, the rest too.
fn code(tag: &str) -> Option<String> {
    let tag = tag.replace('_', "-");
    let language = language(&tag).to_ascii_lowercase();
    let is_code = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_lowercase());
    let rest = tag.get(language.len()..).unwrap_or_default();
    let is_rest = rest.len() <= 16 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let keeps_rest = matches!(language.as_str(), "pt" | "zh") && is_rest;
    is_code.then(|| if keeps_rest { format!("{language}{rest}") } else { language })
}

fn language(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// A page that is too long fails.
pub(super) fn check_length(html: &str, policies: &PagePolicies) -> Result<(), Failure> {
    let bytes = html.len() as u64;
    match policies.max_html {
        Some(max) if bytes > max => {
            let cure = if policies.split_over.is_none() { "set `page.split: h2`, " } else { "" };
            let size = |bytes: u64| bytesize::ByteSize(bytes).display().si();
            let (has, limit) = (size(bytes), size(max));
            let message = format!(
                "its html has {has}, and `page.max_html` is {limit}: {cure}divide the document, or raise the limit"
            );
            Err(fails("too_large", message))
        }
        _ => Ok(()),
    }
}

/// A title is a line, not a chapter: Intercom's own limit is not documented.
pub(super) fn shortened(title: &str, max_chars: Option<usize>) -> String {
    match max_chars.and_then(|max| title.char_indices().nth(max)) {
        Some((end, _)) => format!("{}…", title[..end].trim_end()),
        None => title.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Availability;

    #[test]
    fn a_language_is_sent_as_intercom_writes_it_where_it_may_be() {
        let sent = |own: Option<&str>, configured: &str, sends_locales| {
            let placement = Placement { locale: own.map(Into::into), ..Placement::default() };
            let policies = PagePolicies { sends_locales, ..PagePolicies::default() };
            let availability = Availability::OnCreate;
            let locale = configured.into();
            locale_of(&placement, &PageOptions { locale, ai_agent: true, ai_copilot: true, availability, policies })
        };
        for (own, configured, expected) in [
            (None, "de", "de"),
            (Some("fr"), "en", "fr"),
            (Some("de-DE"), "en", "de"),
            (Some("en-US"), "en", "en"),
            (Some("pt"), "pt-BR", "pt-BR"),
            (Some("pt_BR"), "en", "pt-BR"),
            (Some("zh-Hans"), "en", "zh-Hans"),
            (Some("root"), "en", "en"),
            (Some(""), "en", "en"),
        ] {
            assert_eq!(sent(own, configured, true), expected, "{own:?}");
        }
        assert_eq!(sent(Some("fr"), "en", false), "en");
    }

    use super::locale as locale_of;

    #[test]
    fn titles_are_cut_at_a_character() {
        assert_eq!(shortened("éé é", Some(3)), "éé…");
        assert_eq!(shortened("ééé", Some(3)), "ééé");
        assert_eq!(shortened("ééé", None), "ééé");
    }
}
