//! Webhooks.
pub(super) const BODY_MAX_BYTES: usize = 4 << 20;
