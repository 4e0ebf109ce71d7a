//! What one look at a source knows, as renders and the site's rules ask for it: other pages, included files, labels.
//!
//! Answers come from the documents as they are now, never from an earlier cycle. Shared by all renders of a cycle.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use super::Mirror;
use super::converting::Converted;
use crate::ledger::InputRow;
use crate::page::{Commit, DocPath, Failure, Fingerprint, SourceHash};
use crate::plan::{Observed, State};
use crate::render::{Asked, Facts, Inputs, Label, Rendered, hash_of_documents, wiki_name};
use crate::site::Around;
use crate::site::sphinx::matches as matches_path;
use crate::source::{Document, Probe, Read};

/// Included files together that are held for the next one who asks.
const MAX_HELD_BYTES: usize = 32 << 20;

/// The documents of one look at a source, and what they say of themselves.
#[derive(Debug, Default)]
pub struct Seen {
    /// The documents, sorted by path, the parts of one that was split after it.
    pub documents: Vec<Observed>,
    /// The files that were asked for.
    pub(super) files: Mutex<Files>,
    /// What converters made of documents.
    pub(super) converted: Converted,
    index: OnceLock<Index>,
    rendered: Mutex<Option<Kept>>,
}

/// What the last document was rendered to that was asked for again, and from which bytes.
#[derive(Debug)]
struct Kept {
    path: DocPath,
    source_hash: SourceHash,
    pages: Arc<Vec<Rendered>>,
}

/// Files beside the documents, as far as they were asked for.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// What the ledger knows of them, with the fingerprint that they have now.
    known: BTreeMap<DocPath, Known>,
    held: HashMap<DocPath, Arc<[u8]>>,
    held_bytes: usize,
    /// Those that are there, or may be, and could not be read just now.
    failed: BTreeMap<DocPath, Failure>,
}

#[derive(Debug)]
struct Known {
    row: InputRow,
    /// The ledger does not have this row.
    is_news: bool,
}

/// Names of pages and of places in them.
#[derive(Debug, Default)]
struct Index {
    titles: HashMap<DocPath, String>,
    labels: HashMap<String, Label>,
    /// Documents by the names of their files, where only one has it.
    names: HashMap<String, Option<Box<str>>>,
    /// Urls without what sites add to their end, and whose they are.
    urls: HashMap<String, Box<str>>,
}

impl Seen {
    pub(super) fn new(documents: Vec<Observed>) -> Self {
        Self { documents, ..Self::default() }
    }

    /// The page that a document becomes, or the first of them; `None`: no document of this path was seen.
    #[must_use]
    pub fn find(&self, path: &DocPath) -> Option<&Observed> {
        let at = self.documents.partition_point(|document| document.path < *path);
        self.documents.get(at).filter(|document| document.path == *path)
    }

    /// Adds the parts of documents that were split, but for those that are no page any more.
    pub(super) fn add_parts(&mut self, mut parts: Vec<Observed>) {
        parts.retain_mut(|part| {
            let Some(document) = self.find(&part.path) else { return false };
            part.raw.clone_from(&document.raw);
            !matches!(document.state, State::Excluded(_))
        });
        if !parts.is_empty() {
            self.documents.extend(parts);
            self.documents
                .sort_by(|a, b| (&a.path, a.is_part, &a.external_id).cmp(&(&b.path, b.is_part, &b.external_id)));
        }
    }

    /// What a document was rendered to in this look, if it was the last one that was asked for again.
    pub(super) fn kept(&self, path: &DocPath, source_hash: SourceHash) -> Option<Arc<Vec<Rendered>>> {
        let kept = self.rendered.lock().ok()?;
        let kept = kept.as_ref().filter(|kept| kept.path == *path && kept.source_hash == source_hash)?;
        Some(kept.pages.clone())
    }

    /// Keeps what a document was rendered to for the next of its parts.
    pub(super) fn keep(&self, path: &DocPath, source_hash: SourceHash, pages: &Arc<Vec<Rendered>>) {
        if let Ok(mut kept) = self.rendered.lock() {
            *kept = Some(Kept { path: path.clone(), source_hash, pages: pages.clone() });
        }
    }

    /// Takes note of what the ledger knows of included files and of how they look now.
    pub(super) fn know(&self, rows: Vec<InputRow>, probes: Vec<Probe>) {
        let Ok(mut files) = self.files.lock() else { return };
        for (row, probe) in rows.into_iter().zip(probes) {
            let same = match (&probe, &row.hash) {
                (Probe::Absent, None) => true,
                (Probe::Present(Some(now)), Some(_)) => row.fingerprint.as_ref() == Some(now),
                _ => false,
            };
            if same {
                files.known.insert(row.path.clone(), Known { row, is_news: false });
            }
        }
    }

    /// Why one of the files that a render asked for may be there all the same: what it says is unknown, and not nothing.
    pub(super) fn unread(&self, asked: &[Asked]) -> Option<Failure> {
        let files = self.files.lock().ok()?;
        let (path, failure) = asked.iter().filter_map(Asked::file).find_map(|path| files.failed.get_key_value(path))?;
        Some(Failure::new("unread_include", format!("it takes in `{path}`, which {}", failure.message)))
    }

    /// The rows of included files that the ledger does not have yet.
    pub(super) fn news_of_files(&self) -> Vec<InputRow> {
        let Ok(files) = self.files.lock() else { return Vec::new() };
        files.known.values().filter(|known| known.is_news).map(|known| known.row.clone()).collect()
    }

    fn index(&self, mirror: &Mirror) -> &Index {
        self.index.get_or_init(|| {
            let mut index = Index::default();
            for document in self.documents.iter().filter(|document| !document.is_part) {
                let facts = facts_of(document);
                let is_page = !matches!(document.state, State::Excluded(_));
                // Only what is published has a url, whether it is mirrored or not.
                if let Some(url) = &document.url {
                    index.urls.entry(bare(url).to_owned()).or_insert_with(|| url.clone());
                }
                if !is_page {
                    continue;
                }
                index
                    .names
                    .entry(wiki_name(document.path.stem()))
                    .and_modify(|url| *url = None)
                    .or_insert_with(|| document.url.clone());
                let placement = mirror.site.place(&document.path, &facts, &Answers(self, mirror));
                for label in &facts.labels {
                    let url = document.url.as_deref().map(|url| match label.anchor.as_str() {
                        "" => url.to_owned(),
                        anchor => format!("{url}#{anchor}"),
                    });
                    let meant = Label { url, title: label.title.clone() };
                    index.labels.entry(label.name.clone()).or_insert(meant);
                }
                let Facts { title, heading, .. } = facts;
                let title = if placement.shows_title { title.or(heading) } else { heading.or(title) };
                if let Some(title) = title.or(placement.title) {
                    index.titles.insert(document.path.clone(), title);
                }
            }
            index
        })
    }
}

/// [`Seen`], with the source that it is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answers<'a>(pub(super) &'a Seen, pub(super) &'a Mirror);

impl Answers<'_> {
    /// Whether a question that was answered so would be answered so now.
    pub(super) fn still(&self, asked: &Asked) -> bool {
        match asked {
            Asked::PageUrl(path, answer) => self.page_url(path) == *answer,
            Asked::PageTitle(path, answer) => self.page_title(path) == *answer,
            Asked::File(path, answer) => self.hash(path) == *answer,
            Asked::Label(name, answer) => self.label(name) == *answer,
            Asked::PageAt(url, answer) => self.page_at(url) == *answer,
            Asked::Documents(pattern, answer) => hash_of_documents(&self.documents(pattern)) == *answer,
        }
    }

    /// Whether the document that a question is about was seen, or the question is about none.
    pub(super) fn is_seen(&self, asked: &Asked) -> bool {
        match asked {
            Asked::PageUrl(path, _) | Asked::PageTitle(path, _) => self.0.find(path).is_some(),
            Asked::File(..) => true,
            Asked::Label(..) | Asked::PageAt(..) | Asked::Documents(..) => false,
        }
    }

    fn hash(&self, path: &DocPath) -> Option<SourceHash> {
        if let Ok(files) = self.0.files.lock()
            && let Some(known) = files.known.get(path)
        {
            return known.row.hash;
        }
        self.file(path).map(|bytes| SourceHash::of(&bytes))
    }
}

impl Inputs for Answers<'_> {
    fn page_url(&self, path: &DocPath) -> Option<String> {
        self.0.find(path)?.url.as_deref().map(str::to_owned)
    }

    fn page_title(&self, path: &DocPath) -> Option<String> {
        self.0.index(self.1).titles.get(path).cloned()
    }

    fn file(&self, path: &DocPath) -> Option<Arc<[u8]>> {
        if let Ok(files) = self.0.files.lock() {
            if let Some(bytes) = files.held.get(path) {
                return Some(bytes.clone());
            }
            if files.known.get(path).is_some_and(|known| known.row.hash.is_none()) || files.failed.contains_key(path) {
                return None;
            }
        }
        let document = Document { path: path.clone(), raw: None, fingerprint: None, failure: None };
        let (bytes, fingerprint): (Option<Arc<[u8]>>, Option<Fingerprint>) = match self.1.source.read(&document) {
            Read::Content(content) => (Some(content.bytes.into()), content.fingerprint),
            Read::Failed(failure) if matches!(&*failure.code, "unreadable" | "changing") => {
                if let Ok(mut files) = self.0.files.lock() {
                    files.failed.insert(path.clone(), failure);
                }
                return None;
            }
            Read::Absent | Read::Failed(_) => (None, None),
        };
        if let Ok(mut files) = self.0.files.lock() {
            let hash = bytes.as_ref().map(|bytes| SourceHash::of(bytes));
            let row = InputRow { path: path.clone(), fingerprint, hash };
            files.known.entry(path.clone()).or_insert(Known { row, is_news: true });
            if let Some(bytes) = bytes.as_ref().filter(|bytes| files.held_bytes + bytes.len() <= MAX_HELD_BYTES) {
                files.held_bytes += bytes.len();
                files.held.insert(path.clone(), bytes.clone());
            }
        }
        bytes
    }

    fn label(&self, name: &str) -> Option<Label> {
        let index = self.0.index(self.1);
        if name.starts_with("[[") {
            let url = index.names.get(name)?.as_deref()?.to_owned();
            return Some(Label { url: Some(url), title: None });
        }
        index.labels.get(name).cloned()
    }

    fn page_at(&self, url: &str) -> Option<String> {
        self.0.index(self.1).urls.get(bare(url)).map(ToString::to_string)
    }

    fn documents(&self, pattern: &str) -> Vec<DocPath> {
        // What stands before the first sign that means anything narrows them down.
        let start = pattern.find(['*', '?', '[']).and_then(|at| pattern.get(..at)).unwrap_or(pattern);
        let from = self.0.documents.partition_point(|document| document.path.as_str() < start);
        let near = self.0.documents.iter().skip(from).take_while(|document| document.path.as_str().starts_with(start));
        let is_page = |document: &&Observed| !document.is_part && !matches!(document.state, State::Excluded(_));
        near.filter(is_page)
            .filter(|document| matches_path(pattern, document.path.as_str()))
            .map(|document| document.path.clone())
            .collect()
    }

    fn is_converted(&self, path: &DocPath) -> bool {
        self.1.converters.find(path).is_some()
    }

    fn convert(&self, path: &DocPath, text: &[u8]) -> Option<Result<String, Failure>> {
        self.0.converted.convert(self.1, path, text)
    }
}

impl Around for Answers<'_> {
    fn has(&self, path: &str) -> bool {
        self.0.find(&DocPath::new(path)).is_some()
    }

    fn commit(&self, path: &str) -> Option<Commit> {
        self.1.source.commit(path)
    }
}

/// What a document says of itself.
pub(super) fn facts_of(document: &Observed) -> Facts {
    document.facts.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

/// A url without what sites add to the end of one page's: its fragment, `index.html`, `.html`, a slash.
fn bare(url: &str) -> &str {
    let url = url.split(['#', '?']).next().unwrap_or_default();
    let url = url.strip_suffix("/index.html").unwrap_or(url);
    let url = url.strip_suffix(".html").unwrap_or(url);
    url.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_has_many_spellings() {
        for url in ["https://d.example/a", "https://d.example/a/", "https://d.example/a.html", "https://d.example/a/#x"]
        {
            assert_eq!(bare(url), "https://d.example/a", "{url}");
        }
        assert_eq!(bare("https://d.example/a/index.html?q#x"), "https://d.example/a");
        assert_eq!(bare("https://d.example/"), "https://d.example");
    }
}
