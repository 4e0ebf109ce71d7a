//! The page within a website's answer: its main content by the generator's known selectors, else the configured one, else
//! by readability; its title, canonical url and language. Pure.
//!
//! What comes out is a small, self-contained document that renders like any other ([`Extracted::document`]); what frames
//! the page, and what changes with each build, is no part of it. Must not know how the answer was had.

use url::Url;

/// Raised with every change that may extract something else of the same answer.
pub const VERSION: u32 = 1;

/// An answer of a website.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The body, decompressed.
    pub body: &'a [u8],
    /// `Content-Type`, as it was sent.
    pub content_type: Option<&'a str>,
    /// The page's public url: relative links count from it.
    pub url: &'a Url,
    /// `X-Robots-Tag`, as it was sent.
    pub robots: Option<&'a str>,
    /// `Link`, as it was sent: it may name the canonical url.
    pub link: Option<&'a str>,
    /// The configured selector of the main content.
    pub selector: Option<&'a str>,
}

/// What an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extracted {
    /// A page: HTML of `<html lang>`, `<head>` with `<title>`, `<link rel="canonical">` and robots' `<meta>`, and `<main>`;
    /// or, where the website gave Markdown, that, with front matter. UTF-8.
    Page {
        /// The document.
        document: String,
        /// The generator that it was recognised to be of.
        generator: Option<&'static str>,
    },
    /// A form that asks who one is: nothing is known of the page.
    Login,
    /// An empty frame that a program in the browser would fill.
    Shell,
    /// Its canonical url is another page.
    Moved(Url),
    /// No text at all, or no page: an image, a PDF.
    NoPage(String),
}

/// Finds the page in an answer.
#[must_use]
pub fn extract(answer: Answer<'_>) -> Extracted {
    let _ = answer;
    Extracted::NoPage("nothing is read yet".to_owned())
}
