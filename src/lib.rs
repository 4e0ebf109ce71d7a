//! finmirror mirrors private documentation into Fin, Intercom's AI agent, and keeps it true.

pub mod intercom;
pub mod ledger;
pub mod page;
pub mod plan;
pub mod remote;
pub mod render;
pub mod simulator;
pub mod site;
pub mod source;
