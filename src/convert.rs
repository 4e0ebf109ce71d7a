//! Converters: programs of others that make HTML of documents which are not read here (reST, `AsciiDoc`, DOCX, PDF, …).
//!
//! Owns how such a program is found, asked for its version, fed and bounded. Must not know which documents it is for, nor
//! what becomes of the HTML. Invariants: a converter sees nothing of the caller's environment but `PATH`, and works in an
//! empty folder of its own, which is gone afterwards; it ends at its deadline at the latest, and with it every process of
//! its group; no output over its limit is kept. A failure is the page's, never a panic and never text that is half converted.

mod process;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, DirBuilder};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::fs::{Access, access};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use self::process::{Ended, Task, Trouble};
use crate::page::Failure;

/// Stands in a command for the document's file; a command without it is given the document on its standard input.
pub const FILE: &str = "{file}";

/// How programs are asked for their version; Poppler's know only the second.
const VERSION: [&str; 2] = ["--version", "-v"];
/// What the answer may take, and be.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);
const VERSION_BYTES: u64 = 64 * 1024;
/// As much of a script as is looked at for changes.
const MAX_SCRIPT_BYTES: u64 = 1 << 20;
/// As much as is told of what a program said.
const TOLD_CHARS: usize = 200;

/// A converter as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConverterOptions {
    /// The documents that it is for, as a pattern of `files.include`.
    pub pattern: String,
    /// The program and its arguments; never empty. A program without `/` is looked for on `search`.
    pub command: Vec<String>,
    /// How long one document may take.
    pub timeout: Duration,
    /// The most that it may print.
    pub max_bytes: u64,
    /// What it prints.
    pub output: Output,
    /// `PATH`: where programs are looked for, and the one variable that they are given of the environment.
    pub search: String,
    /// The folder in which each conversion has a folder of its own.
    pub scratch: PathBuf,
}

/// What a converter prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// HTML: a document or a part of one.
    Html,
    /// Text, its paragraphs apart by empty lines.
    Text,
}

/// A converter, and what is known of its program.
#[derive(Debug)]
pub struct Converter {
    options: ConverterOptions,
    version: OnceLock<Result<String, Missing>>,
    script: OnceLock<Option<[u8; 32]>>,
}

/// A program that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.0.contains('/') { "is no program that can be run" } else { "is not on PATH" };
        write!(f, "`{}` {what}: install it, or change the converter's command", self.0)
    }
}

impl Converter {
    /// A converter; nothing is run yet.
    #[must_use]
    pub fn new(options: ConverterOptions) -> Self {
        Self { options, version: OnceLock::new(), script: OnceLock::new() }
    }

    /// The documents that it is for.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.options.pattern
    }

    /// The program's name as it is configured.
    #[must_use]
    pub fn program(&self) -> &str {
        self.options.command.first().map_or("", String::as_str)
    }

    /// What the program says of its version, asked once.
    pub fn version(&self) -> Result<&str, &Missing> {
        let asked = self.version.get_or_init(|| {
            let program = self.found()?;
            let said = VERSION.iter().find_map(|argument| self.ask(&program, argument));
            Ok(said.unwrap_or_else(|| "no version told".to_owned()))
        });
        asked.as_ref().map(String::as_str)
    }

    /// The first line that a program says when it is asked so, and takes it for no mistake.
    fn ask(&self, program: &Path, argument: &str) -> Option<String> {
        let scratch = Scratch::make(&self.options.scratch).ok()?;
        let task = Task {
            program,
            arguments: &[OsString::from(argument)],
            search: &self.options.search,
            folder: &scratch.0,
            input: None,
            timeout: VERSION_TIMEOUT,
            max_bytes: VERSION_BYTES,
        };
        let ended = process::run(&task, &|| false).ok().filter(|ended| ended.status.success())?;
        first_line(&[ended.out, ended.err].concat())
    }

    /// What decides what it makes of a document: its command, and the program's version; of a script, which people edit
    /// and which seldom has a version, what it says as well.
    #[must_use]
    pub fn identity(&self) -> String {
        let ConverterOptions { pattern, command, output, .. } = &self.options;
        let script = self.script.get_or_init(|| self.found().ok().and_then(|program| script(&program)));
        format!("{pattern:?} {command:?} {output:?} {:?} {script:?}", self.version().map_err(Missing::to_string))
    }

    /// Converts one document, whose name has this extension. Looks again and again whether it is to stop.
    pub fn convert(&self, extension: &str, bytes: &[u8], is_stopped: &dyn Fn() -> bool) -> Result<String, Failure> {
        let options = &self.options;
        let program = self.found().map_err(|missing| fails(missing.to_string()))?;
        let scratch = Scratch::make(&options.scratch).map_err(|error| {
            fails(format!("no folder for converting can be made in `{}`: {error}", options.scratch.display()))
        })?;
        let mut input = Some(bytes);
        let mut arguments = Vec::with_capacity(options.command.len());
        for argument in options.command.iter().skip(1) {
            if argument.contains(FILE) {
                let file = scratch.file(extension);
                if input.take().is_some() {
                    fs::write(&file, bytes).map_err(|error| fails(format!("`{}`: {error}", file.display())))?;
                }
                arguments.push(OsString::from(argument.replace(FILE, &file.to_string_lossy())));
            } else {
                arguments.push(OsString::from(argument));
            }
        }
        let task = Task {
            program: &program,
            arguments: &arguments,
            search: &options.search,
            folder: &scratch.0,
            input,
            timeout: options.timeout,
            max_bytes: options.max_bytes,
        };
        let ended = process::run(&task, is_stopped).map_err(|trouble| self.told(&trouble))?;
        self.printed(ended, &scratch)
    }

    /// What a program that ended has printed.
    fn printed(&self, ended: Ended, scratch: &Scratch) -> Result<String, Failure> {
        let name = self.program();
        let Ended { status, out, err } = ended;
        let said = first_line(&err).map(|line| line.replace(&*scratch.0.to_string_lossy(), ""));
        if !status.success() {
            let said = said.map(|line| format!(": {line}")).unwrap_or_default();
            let how = status.code().map_or_else(|| status.to_string(), |code| format!("status {code}"));
            return Err(fails(format!("`{name}` ended with {how}{said}")));
        }
        let text = String::from_utf8(out).map_err(|_| fails(format!("`{name}` printed what is not UTF-8")))?;
        if text.trim().is_empty() {
            let said = said.map(|line| format!(", and said: {line}")).unwrap_or_default();
            return Err(fails(format!("`{name}` printed nothing{said}")));
        }
        Ok(match self.options.output {
            Output::Html => text,
            Output::Text => paragraphs(&text),
        })
    }

    fn told(&self, trouble: &Trouble) -> Failure {
        let name = self.program();
        let ConverterOptions { timeout, max_bytes, .. } = &self.options;
        fails(match trouble {
            Trouble::Io(error) => format!("`{name}` cannot be run: {error}"),
            Trouble::Slow => format!("`{name}` was not done after {timeout:?} and was ended; see `timeout`"),
            Trouble::TooMuch => format!("`{name}` printed more than {max_bytes} bytes and was ended; see `max_output`"),
            Trouble::Stopped => format!("`{name}` was ended together with finmirror: the next run converts it"),
        })
    }

    /// The program's file.
    fn found(&self) -> Result<PathBuf, Missing> {
        let name = self.program();
        let runs = |file: &Path| file.is_file() && access(file, Access::EXEC_OK).is_ok();
        let found = if name.contains('/') {
            Some(PathBuf::from(name)).filter(|file| runs(file))
        } else {
            let folders = std::env::split_paths(OsStr::new(&self.options.search));
            folders.filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).find(|file| runs(file))
        };
        found.ok_or_else(|| Missing(name.to_owned()))
    }
}

/// A hash of what a script says; `None`: the program is none, or too long to be one.
fn script(program: &Path) -> Option<[u8; 32]> {
    let mut start = Vec::new();
    fs::File::open(program).ok()?.take(MAX_SCRIPT_BYTES).read_to_end(&mut start).ok()?;
    start.starts_with(b"#!").then(|| Sha256::digest(&start).into())
}

/// A folder that nobody else may look into, and that is gone when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn make(within: &Path) -> io::Result<Self> {
        let folder = within.join(format!("finmirror-{}", Uuid::now_v7().simple()));
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }

    fn file(&self, extension: &str) -> PathBuf {
        let is_plain = !extension.is_empty() && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.0.join(if is_plain { format!("document.{extension}") } else { "document".to_owned() })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What a program that was ended may still write there is for the system's own cleaning.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The first line that says something, fit for a message.
fn first_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(TOLD_CHARS).collect())
}

/// Text as HTML: a paragraph for each run of lines, form feeds apart as well.
fn paragraphs(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    let mut is_open = false;
    for line in text.split(['\n', '\x0c']).map(str::trim) {
        match (line.is_empty(), is_open) {
            (true, true) => html.push_str("</p>\n"),
            (true, false) => {}
            (false, true) => html.push('\n'),
            (false, false) => html.push_str("<p>"),
        }
        is_open = !line.is_empty();
        for c in line.chars() {
            match c {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                c => html.push(c),
            }
        }
    }
    if is_open {
        html.push_str("</p>\n");
    }
    html
}

fn fails(message: impl Into<String>) -> Failure {
    Failure::new("converter", message)
}

#[cfg(test)]
mod tests;
