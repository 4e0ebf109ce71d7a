//! The integration tests: one binary, one file for each feature.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod attacks;
mod convert;
mod daemon;
mod doubt;
mod git;
mod incremental;
mod once;
mod parts;
mod pathological;
mod policies;
mod simulation;
mod site;
mod split;
mod support;
mod tidy;
mod web_page;
mod website;
