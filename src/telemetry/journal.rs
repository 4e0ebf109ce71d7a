//! Events for systemd's journal, each with its fields, so that `journalctl SOURCE_NAME=handbook` finds them.
//!
//! Owns the journal's own protocol (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>). The message is what a line of the text
//! log says, for who reads without asking for fields. Invariant: an event that the journal does not take goes to stderr.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

const SOCKET: &str = "/run/systemd/journal/socket";
/// A journal that takes nothing for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// The text of one event at most: a datagram has a limit.
const MAX_BYTES: usize = 32 << 10;
/// The journal takes no longer name of a field.
const MAX_NAME: usize = 64;

/// The socket of the journal.
#[derive(Debug)]
pub(super) struct Journal(UnixDatagram);

impl Journal {
    /// Fails where there is no journal.
    pub(super) fn open() -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(SOCKET)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(socket))
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let target = event.metadata().target();
        if self.0.send(&said.entry(*event.metadata().level(), target)).is_err() {
            // Nothing is left to tell it to.
            let _ = writeln!(anstream::stderr(), "{}", said.message());
        }
    }
}

/// What an event says.
#[derive(Default)]
struct Said {
    message: String,
    fields: Vec<(&'static str, String)>,
    bytes: usize,
}

impl Said {
    /// The message with the fields behind it, as in the text log.
    fn message(&self) -> String {
        let mut line = self.message.clone();
        for (name, value) in &self.fields {
            let _ = write!(line, " {name}={value}");
        }
        line
    }

    fn entry(&self, level: Level, target: &str) -> Vec<u8> {
        let priority = match level {
            Level::ERROR => "3",
            Level::WARN => "4",
            Level::INFO => "6",
            Level::DEBUG | Level::TRACE => "7",
        };
        let mut entry = Vec::new();
        put(&mut entry, "MESSAGE", &self.message());
        put(&mut entry, "PRIORITY", priority);
        put(&mut entry, "SYSLOG_IDENTIFIER", "finmirror");
        put(&mut entry, "TARGET", target);
        for (name, value) in &self.fields {
            let name: String =
                name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
            let name = name.trim_start_matches(|c: char| !c.is_ascii_uppercase());
            if !name.is_empty() && name.len() <= MAX_NAME {
                put(&mut entry, name, value);
            }
        }
        entry
    }

    fn keep(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // What a crate logged by `log` brings along of its own place.
        if field.name().starts_with("log.") {
            return;
        }
        let mut text = value.to_string();
        let mut end = text.len().min(MAX_BYTES - self.bytes);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        self.bytes += end;
        if field.name() == "message" {
            self.message = text;
        } else {
            self.fields.push((field.name(), text));
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, format_args!("{value}"));
    }
}

/// One field: what has line breaks in it goes with its length.
fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;

    use super::*;

    fn sent(event: impl FnOnce()) -> Vec<u8> {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Journal(ours)), event);
        theirs.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut entry = vec![0; 1 << 18];
        let length = theirs.recv(&mut entry).unwrap();
        entry.truncate(length);
        entry
    }

    #[test]
    fn an_event_has_its_fields_and_its_priority() {
        let entry = sent(|| tracing::warn!(source.name = "handbook", failed = 2, "cycle"));
        assert_eq!(
            String::from_utf8(entry).unwrap(),
            "MESSAGE=cycle source.name=handbook failed=2\nPRIORITY=4\nSYSLOG_IDENTIFIER=finmirror\n\
             TARGET=finmirror::telemetry::journal::tests\nSOURCE_NAME=handbook\nFAILED=2\n"
        );
    }

    #[test]
    fn a_text_of_several_lines_makes_no_field_of_its_own() {
        let entry = sent(|| tracing::error!("one\nPRIORITY=0"));
        let expected = [b"MESSAGE\n".as_slice(), &14u64.to_le_bytes(), b"one\nPRIORITY=0\nPRIORITY=3\n"].concat();
        assert!(entry.starts_with(&expected), "{entry:?}");
    }

    #[test]
    fn a_text_without_end_is_cut() {
        let entry = sent(|| tracing::info!(path = "é".repeat(1 << 20), "page"));
        assert!(entry.len() < 3 * MAX_BYTES, "{}", entry.len());
    }
}
