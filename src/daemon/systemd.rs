//! What systemd hears: readiness, state in one line, the watchdog's food. Nothing where nobody listens.
//!
//! Source: `sd_notify(3)`, `systemd.service(5)`, `Type=notify`.

use std::time::Duration;

use sd_notify::NotifyState;

/// How often the watchdog is fed, so that one meal may be missed; `None`: there is none.
#[must_use]
pub fn feeding() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 3)
}

/// The daemon works, with this to say of itself.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is read again; [`ready`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(_) => notify(&[NotifyState::Reloading]),
    }
}

/// The daemon ends.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// A line about the last cycle.
pub fn status(line: &str) {
    notify(&[NotifyState::Status(line)]);
}

/// The loop is well.
pub fn feed() {
    notify(&[NotifyState::Watchdog]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("systemd does not hear us: {error}");
    }
}
