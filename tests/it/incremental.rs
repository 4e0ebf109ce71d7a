//! What is kept from one look to the next: after any edits, looking at a source again gives what looking afresh gives.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use finmirror::ledger::Ledger;
use finmirror::page::{ScanDigest, SourceName};
use finmirror::plan::{Observed, State};
use finmirror::render::{self, Availability, PageOptions, PagePolicies};
use finmirror::site::{Generator, Site, SiteOptions, UrlStyle};
use finmirror::source::files::{Files, FilesOptions, FollowSymlinks};
use finmirror::source::{Known, Source};
use finmirror::stop::Stop;
use finmirror::sync::Mirror;
use finmirror::sync::converting::Converters;
use finmirror::sync::observe::{Memory, observe};
use jiff::Timestamp;
use proptest::prelude::*;

/// A file, and the texts that it may have; without a text it is not there.
type Variants = (&'static str, &'static [Option<&'static str>]);

const MKDOCS: &[Variants] = &[
    (
        "mkdocs.yml",
        &[
            Some("site_name: X\nmarkdown_extensions: [pymdownx.snippets]\n"),
            Some("site_name: X\nuse_directory_urls: false\nmarkdown_extensions: [pymdownx.snippets]\n"),
        ],
    ),
    ("docs/index.md", &[Some("# Home\n\n[a](a.md) [readme](README.md)\n"), None]),
    ("docs/README.md", &[Some("# Readme\n\n[a](a.md#x)\n"), Some("# Readme, again\n"), None]),
    (
        "docs/a.md",
        &[Some("# A\n\n--8<-- \"snip.md\"\n"), Some("# A\n\n--8<-- \"other.md\"\n"), Some("# Only A\n"), None],
    ),
    ("snip.md", &[Some("One [b](b.md).\n"), Some("Two.\n"), Some("--8<-- \"other.md\"\n"), None]),
    ("other.md", &[Some("Other.\n"), Some("Another.\n"), None]),
    ("docs/b.md", &[Some("# B\n"), Some("---\ndraft: true\n---\n# B\n"), None]),
];

const MDBOOK: &[Variants] = &[
    ("book.toml", &[Some("[book]\ntitle = \"X\"\n")]),
    (
        "src/SUMMARY.md",
        &[Some("- [A](a.md)\n- [B](b.md)\n"), Some("- [B](b.md)\n- [Draft]()\n"), Some("- [A](a.md)\n")],
    ),
    ("src/a.md", &[Some("# A\n\n{{#include ../x.txt}}\n\n[b](b.md)\n"), Some("# A\n\n{{#include b.md}}\n")]),
    ("src/b.md", &[Some("# B\n\nText of B.\n"), Some("# B\n\n{{#include ../x.txt:2}}\n")]),
    ("x.txt", &[Some("one\ntwo\n"), Some("three\nfour\n"), None]),
];

const SPHINX: &[Variants] = &[
    ("conf.py", &[Some("extensions = ['myst_parser']\nhtml_baseurl = 'https://docs.example.com/'\n")]),
    ("index.md", &[Some("# Home\n\n{ref}`place` and {doc}`a`, [](b.md).\n\n```{toctree}\na\nb\n```\n")]),
    (
        "a.md",
        &[Some("(place)=\n# A\n\nText.\n"), Some("# A\n\n(place)=\n## Part\n\nText.\n"), Some("# Other A\n\nText.\n")],
    ),
    ("b.md", &[Some("# B\n\n```{include} part.txt\n```\n"), Some("(place)=\n# B\n\nText.\n"), None]),
    ("part.txt", &[Some("Part.\n"), Some("Another part.\n"), None]),
];

const SPLIT: &[Variants] = &[
    (
        "a.md",
        &[
            Some("# A\n\nLead, [b](b.md#two).\n\n## One\n\nText.\n\n## Two\n\nText.\n"),
            Some("# A\n\nLead.\n\n## One\n\nText.\n\n## Three\n\nText, [b](b.md).\n"),
            Some("# A\n\nLead.\n\n## One\n\nText.\n\n## Two\n\n{% include x %}\n"),
            Some("# A\n\nShort.\n"),
            None,
        ],
    ),
    (
        "b.md",
        &[
            Some("---\nid: other\n---\n# B\n\n## One\n\nText, [a](a.md).\n\n## Two\n\n{% include x %}\n"),
            Some("# B\n\n## One\n\nText, [a](a.md).\n\n## Two\n\nText.\n"),
            Some("---\ndraft: true\n---\n# B\n\n## One\n\nText.\n\n## Two\n\nText.\n"),
        ],
    ),
    ("guide/c.md", &[Some("# C\n\n## One\n\nText.\n\n## Two\n\n[a](../a.md#one)\n")]),
    ("guide/index.md", &[Some("# Guide\n\nText.\n"), Some("# Manual\n\nText.\n"), None]),
];

const OPENAPI: &[Variants] = &[
    (
        "api.yaml",
        &[
            Some(
                "openapi: 3.0.0\ninfo: {title: T}\npaths: {/a: {get: {tags: [a], summary: A}}, /b: {get: {tags: [b], summary: B, responses: {200: {content: {x/y: {schema: {$ref: s.json}}}}}}}}\n",
            ),
            Some(
                "openapi: 3.0.0\ninfo: {title: T}\npaths: {/a: {get: {tags: [a], summary: Other}}, /c: {get: {summary: C}}}\n",
            ),
            Some("openapi: 3.0.0\ninfo: {title: T, description: Alone}\n"),
            Some("kind: Deployment\n"),
            None,
        ],
    ),
    ("s.json", &[Some("{\"properties\": {\"one\": {}}}"), Some("{\"properties\": {\"two\": {}}}"), None]),
    ("a.md", &[Some("# A\n\n[api](api.yaml)\n"), None]),
];

/// A clock that is always later than the last edit, so that fingerprints are trusted.
fn later() -> Timestamp {
    Timestamp::MAX
}

fn mirror(root: &Path, policies: &PagePolicies) -> Mirror {
    let options = FilesOptions {
        root: root.to_owned(),
        include: vec!["**".into()],
        exclude: Vec::new(),
        ignore_files: Vec::new(),
        follow_symlinks: FollowSymlinks::Inside,
        max_bytes: 1 << 20,
    };
    let tree = Files::open(options.clone(), later).unwrap();
    let site = SiteOptions {
        generator: Generator::Auto,
        base_url: Some(url::Url::parse("https://docs.example.com/").unwrap()),
        urls: UrlStyle::Directory,
        settings: BTreeMap::new(),
    };
    let site = Site::open(site, &tree).unwrap();
    let page = PageOptions {
        locale: "en".into(),
        ai_agent: true,
        ai_copilot: true,
        availability: Availability::OnCreate,
        policies: policies.clone(),
    };
    let include = site.include().into_iter().chain(["**/*.yaml".to_owned()]).collect();
    let files = Files::open(FilesOptions { include, ..options }, later).unwrap();
    Mirror {
        converters: Converters::default(),
        name: SourceName::new("docs"),
        source: Source::Files(files),
        recipe: render::recipe(&site, &page),
        site,
        page,
    }
}

/// What is known of each document: id, url, and the page that it is.
type Sight = Vec<(String, Option<String>, State)>;

/// One look with what the ledger remembers, and one afresh; and the digest by which the next look may be spared.
fn look(root: &Path, policies: &PagePolicies, ledger: &mut Ledger) -> (Sight, Sight, Option<ScanDigest>) {
    let mirror = mirror(root, policies);
    let scan = || mirror.source.scan(&Known::default());
    let sight = |memory: &mut Memory<'_>| -> Sight {
        let look = observe(&mirror, scan(), memory, false, &|_, _| {}, &Stop::default()).unwrap();
        // A document that fails keeps the parts that it had, of which a fresh look knows nothing.
        let is_kept = |d: &Observed| !(d.is_part && matches!(d.state, State::Failed(_)));
        let documents = look.seen.documents.into_iter().filter(is_kept);
        documents.map(|d| (d.external_id.to_string(), d.url.map(String::from), d.state)).collect()
    };
    let kept = sight(&mut Memory::Keep(ledger));
    let fresh = sight(&mut Memory::Blank);
    let inputs = ledger.inputs("docs").unwrap().into_iter();
    let probes: Vec<_> = inputs.map(|row| (row.path.clone(), mirror.source.probe(&row.path))).collect();
    (kept, fresh, scan().digest(&mirror.recipe, &probes))
}

/// Edits files one by one, and looks after each edit.
fn check(files: &[Variants], policies: &PagePolicies, edits: &[(prop::sample::Index, prop::sample::Index)]) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("docs");
    let set = |(path, texts): Variants, at: usize| {
        let path = root.join(path);
        match texts[at] {
            Some(text) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            None => drop(fs::remove_file(path)),
        }
    };
    for file in files {
        set(*file, 0);
    }
    let mut ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
    let mut before: Option<(Sight, ScanDigest)> = None;
    for edit in std::iter::once(None).chain(edits.iter().map(Some)) {
        if let Some((file, variant)) = edit {
            let file = files[file.index(files.len())];
            set(file, variant.index(file.1.len()));
        }
        let (kept, fresh, digest) = look(&root, policies, &mut ledger);
        assert_eq!(kept, fresh, "after {edit:?}");
        if let (Some((sight, same)), Some(digest)) = (&before, &digest) {
            assert!(same != digest || *sight == fresh, "the digest did not tell a change");
        }
        before = digest.map(|digest| (fresh, digest));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_look_sees_what_a_fresh_one_does(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8)
    ) {
        let all = PagePolicies { strict: true, split_over: Some(60), context: true, ..PagePolicies::default() };
        let none = PagePolicies::default();
        let cases = [
            (MKDOCS, &none), (MKDOCS, &all), (MDBOOK, &none), (SPHINX, &none), (SPLIT, &all), (OPENAPI, &none), (OPENAPI, &all),
        ];
        for (files, policies) in cases {
            check(files, policies, &edits);
        }
    }
}
