//! The daemon: what hears of changes.

pub mod watch;
