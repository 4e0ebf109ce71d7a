//! finmirror mirrors private documentation into Fin, Intercom's AI agent, and keeps it true: changed pages are sent,
//! vanished ones removed, nothing else is touched.
//!
//! # The flow, one cycle of one source
//!
//! `scan → documents (+ problems) → render what changed → pages → plan → apply → report`
//!
//! - [`source`]: a place of documents: a folder, a commit of a repository, a website. A scan yields every document's path and
//!   a cheap fingerprint; at its end it is *complete*, or it has *problems*. Of a website's pages [`render::web`] takes the
//!   main content: what it makes of an answer is the document.
//! - [`site`]: the rules of the site's generator, read from its own configuration: which file is published, at which url,
//!   under which title, in which language and version; and which of these are mirrored. Pure.
//! - [`convert`]: what is not read here (reST, `AsciiDoc`, DOCX, …) becomes HTML by programs of others, if they are
//!   configured. Results are kept, and such a program's failure is its page's: what Fin has stays.
//! - [`render`]: (document, site, inputs) → pages, and everything that they asked for: included files, other pages' urls
//!   and titles, labels. Each answer is kept, so that a document is rendered again exactly when one of them, its bytes or
//!   the *recipe* (the renderer's version, the site's rules, the page options, the converters) differs. Formats are
//!   Markdown, HTML, text, notebooks and OpenAPI descriptions; a generator's dialect becomes CommonMark first; then come
//!   the policies: strictness, limits, the line of context. A document has one page, or *parts*: its own page first, and
//!   one for each section or tag, with ids and urls of its own that end in `#…`. Pure.
//! - [`plan`]: (documents, entries, policy, now) → steps. Pure, and the only place that decides. Its `Display` is what
//!   `finmirror plan` prints.
//! - [`apply`]: carries out a plan and decides nothing.
//! - [`ledger`]: what every document was when last seen, what Intercom has acknowledged, what is in doubt; what converters
//!   made. A crash just plans again.
//!
//! # Codemap, in reading order
//!
//! | room | what it owns |
//! |---|---|
//! | [`page`] | the words: documents' paths, pages, entries, the ids that must not be confused |
//! | [`stop`] | the word that all is to stop |
//! | [`remote`] | the one seam: what is needed of the place that is mirrored into, and how calls fail |
//! | [`plan`], [`render`], [`site`], [`retry`] | decisions, as pure functions |
//! | [`source`] | folders, repositories, websites: what is there, what it holds, what could not be seen |
//! | [`convert`] | programs of others that make HTML of documents, bounded |
//! | [`ledger`] | SQLite: schema, lock, durability |
//! | [`secret`] | what a caller or an address must show: a value, or a file read on every use |
//! | [`intercom`], [`simulator`] | the two remotes: Intercom over HTTP, and its stand-in, in process or as a server |
//! | [`sync`] | the order of one cycle: observe (and convert), bind the import source, plan, apply |
//! | [`apply`] | requests under way, marks before them, answers after them |
//! | [`report`], [`status`] | counts, outcome, exit status; what the ledger says of each source |
//! | [`daemon`] | triggers → dirty sources → cycles, side by side, until it is told to stop; what it shows of itself |
//! | [`http`] | the daemon's door: status page, health, metrics, webhooks |
//! | [`config`], [`cli`], [`commands`], [`telemetry`] | the shell, the only place with clocks and an environment |
//!
//! Arrows go down only: `config cli commands telemetry` → `daemon http sync apply report status` → `source convert ledger intercom simulator secret` (never
//! each other) → `site render plan retry remote` (pure: no tokio, reqwest, rusqlite, file system, clock, environment,
//! logging) → `page`. `tests/it/tidy.rs` checks it.
//!
//! # Invariants
//!
//! - **I1.** What the ledger calls acknowledged is what Intercom holds. No crash and no lost answer, at any point, leaves a
//!   page in Fin wrong, twice, or behind for good, nor a second import source.
//! - **I2.** A scan with problems deletes nothing; by type, deletes and renames are planned from complete scans only. A
//!   document that is there but cannot be read, converted, understood or sent, in whole or in a file that it takes in, is a
//!   failure of its page and of its parts: what Fin has stays. Only a rule that its owner wrote leaves it out.
//! - **I3.** Deletes over the limit are *held* until that very set is released. The deletes of the past 24 hours count
//!   together, but for those that a person has released. A rename is no delete.
//! - **I4.** After `apply`, the plan is empty but for holds and rejected pages.
//! - **I5.** At most one step for each external id; upserts before deletes; no delete is sent while an upsert of that plan
//!   is neither acknowledged nor rejected for good; the absence of each document is looked at again directly before its
//!   page is deleted. Fin is never without an answer that it had.
//! - **I6.** Two documents with one external id or one url: neither is sent, what Fin has stays, deletes wait.
//! - **I7.** The content hash covers exactly what is sent. Versions decide what is rendered again, not what is sent; times
//!   only save work.
//! - **I8.** A stop sends nothing new, neither to Intercom nor to a website or a repository; requests under way end or time
//!   out.
//! - **I9.** The token appears in no log, error, ledger or process list, and goes to no origin but its own.
//! - **I10.** Only pages that are ours are changed or deleted: those in the ledger, and those adopted by listing because
//!   their external id is a document of the present scan. Everything else under the import source is *foreign*, unless
//!   `import_source.exclusive` says that all of it is ours; then the limits of I3 apply.

pub mod apply;
pub mod cli;
pub mod commands;
pub mod config;
pub mod convert;
pub mod daemon;
pub mod http;
pub mod intercom;
pub mod ledger;
pub mod page;
pub mod plan;
pub mod remote;
pub mod render;
pub mod report;
pub mod retry;
pub mod secret;
pub mod simulator;
pub mod site;
pub mod source;
pub mod status;
pub mod stop;
pub mod sync;
pub mod telemetry;
