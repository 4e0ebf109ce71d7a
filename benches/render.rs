//! How fast pages are rendered, beside bare `pulldown-cmark` on the same text: `cargo bench --bench render`.
//!
//! The documents are those of `FINMIRROR_CORPORA`, folders with a `source.tar.gz`. Both sides are timed in turn, in one
//! thread, from bytes to html; ours has the dialect, includes, links, warnings and the plain text in it. Prints the ratio of
//! speeds (1.0: as fast as the bare parser), the median of the rounds and the spread; judges nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a program that prints figures")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "it measures time, and is told where to look")]

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use finmirror::page::DocPath;
use finmirror::render::{Availability, Facts, Inputs, PageOptions, PagePolicies, Subject, facts, render};
use finmirror::site::{Around, Generator, Placement, Site, SiteOptions, Tree, UrlStyle};
use pulldown_cmark::{Options, Parser, html};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 15;

struct Folder(PathBuf);

impl Tree for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(fs::read(self.0.join(path)).ok())
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(folder)).into_iter().flatten().flatten();
        let name = |entry: fs::DirEntry| {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            format!("{}{slash}", entry.file_name().to_string_lossy())
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    fn exists(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }
}

struct Known {
    /// Every file, read once: what is timed is rendering.
    files: HashMap<String, Arc<[u8]>>,
    urls: HashMap<String, String>,
    titles: HashMap<String, String>,
}

impl Inputs for Known {
    fn page_url(&self, path: &DocPath) -> Option<String> {
        self.urls.get(path.as_str()).cloned()
    }

    fn page_title(&self, path: &DocPath) -> Option<String> {
        self.titles.get(path.as_str()).cloned()
    }

    fn file(&self, path: &DocPath) -> Option<Arc<[u8]>> {
        self.files.get(path.as_str()).cloned()
    }
}

impl Around for Known {
    fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}

struct Corpus {
    site: Site,
    known: Known,
    documents: Vec<(DocPath, Arc<[u8]>, Facts, Placement)>,
    bytes: usize,
}

fn main() {
    let Some(folder) = std::env::var_os("FINMIRROR_CORPORA") else {
        println!("skipped: FINMIRROR_CORPORA names no folder of real documents");
        return;
    };
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let scratch = tempfile::tempdir().unwrap();
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().join("source.tar.gz").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| only.is_empty() || only.iter().any(|part| name.contains(part.as_str())))
        .collect();
    names.sort();
    println!("{:<22} {:>5} {:>9} {:>9} {:>9}   ratio of speeds", "corpus", "pages", "MB", "ours ms", "bare ms");
    let mut all = (0.0, 0.0);
    for name in names {
        let root = scratch.path().join(&name);
        fs::create_dir(&root).unwrap();
        let archive = Path::new(&folder).join(&name).join("source.tar.gz");
        let done = Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(&root).status().unwrap();
        assert!(done.success(), "tar cannot unpack {name}");
        let corpus = corpus(&root);
        if !corpus.documents.is_empty() {
            let (ours, bare) = measure(&name, &corpus);
            all = (all.0 + ours, all.1 + bare);
        }
    }
    println!("all of them: {:.2}", all.1 / all.0);
}

fn corpus(root: &Path) -> Corpus {
    let base_url = Some("https://docs.example.com/".parse().unwrap());
    let options = SiteOptions { generator: Generator::Auto, base_url, urls: UrlStyle::Directory, settings: [].into() };
    let site = Site::open(options, &Folder(root.to_owned())).unwrap();
    let mut known = Known { files: HashMap::new(), urls: HashMap::new(), titles: HashMap::new() };
    read_files(root, root, &mut known.files);
    let mut documents = Vec::new();
    for (path, bytes) in &known.files {
        let path = DocPath::new(path.as_str());
        if !matches!(path.extension().as_str(), "md" | "mdx" | "markdown") {
            continue;
        }
        let facts = facts(&path, bytes, &site).unwrap_or_default();
        let placement = site.place(&path, &facts, &known);
        if placement.excluded.is_none() {
            documents.push((path, bytes.clone(), facts, placement));
        }
    }
    documents.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, _, facts, placement) in &documents {
        known.urls.extend(placement.url.clone().map(|url| (path.to_string(), String::from(url))));
        let title = facts.title.clone().or_else(|| facts.heading.clone());
        known.titles.extend(title.map(|title| (path.to_string(), title)));
    }
    let bytes = documents.iter().map(|(_, bytes, ..)| bytes.len()).sum();
    Corpus { site, known, documents, bytes }
}

fn read_files(root: &Path, folder: &Path, files: &mut HashMap<String, Arc<[u8]>>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_files(root, &path, files);
        } else if let Ok(bytes) = fs::read(&path) {
            let relative = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.insert(relative, bytes.into());
        }
    }
}

/// Prints a line, and gives the milliseconds of both sides.
fn measure(name: &str, corpus: &Corpus) -> (f64, f64) {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed(|| render_all(corpus)));
        bare.push(timed(|| parse_all(corpus)));
    }
    let mut ratios: Vec<f64> =
        ours.iter().zip(&bare).map(|(ours, bare)| bare.as_secs_f64() / ours.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    let times = (median_ms(ours), median_ms(bare));
    println!(
        "{name:<22} {:>5} {:>9.2} {:>9.2} {:>9.2}   {:.2} ({:.2} to {:.2})",
        corpus.documents.len(),
        megabytes(corpus.bytes),
        times.0,
        times.1,
        ratios[ROUNDS / 2],
        ratios[0],
        ratios[ROUNDS - 1],
    );
    times
}

/// The time that the processor spent on this thread: that of a clock on the wall is everybody's.
fn timed(work: impl FnOnce()) -> Duration {
    let used = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
    };
    let before = used();
    work();
    used().saturating_sub(before)
}

fn render_all(corpus: &Corpus) {
    let options = PageOptions {
        locale: "en".to_owned(),
        ai_agent: true,
        ai_copilot: true,
        availability: Availability::OnCreate,
        policies: PagePolicies::default(),
    };
    for (path, bytes, facts, placement) in &corpus.documents {
        let subject = Subject { path, bytes, facts, placement };
        let _ = black_box(render(subject, &corpus.site, &options, &corpus.known));
    }
}

/// What the parser does by itself, with the extensions that ours has switched on.
fn parse_all(corpus: &Corpus) {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM;
    for (_, bytes, ..) in &corpus.documents {
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        let mut out = String::with_capacity(text.len() + text.len() / 4);
        html::push_html(&mut out, Parser::new_ext(text, options));
        black_box(out);
    }
}

fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
