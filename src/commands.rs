//! Commands with a logic of their own, one file each. What they print goes to the writer that they are handed.

pub mod check;
pub mod completions;
pub mod daemon;
pub mod export;
pub mod man;
pub mod once;
pub mod open;
pub mod plan;
pub mod status;
mod works;
