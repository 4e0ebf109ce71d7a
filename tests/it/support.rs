//! What an end-to-end test is made of: a folder of documents, the simulator on a port, a configuration, the real binary.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use finmirror::simulator::{Simulator, SimulatorOptions};
use serde_json::Value;

/// A mirror in a temporary folder.
pub(crate) struct TestContext {
    folder: tempfile::TempDir,
    pub(crate) simulator: Simulator,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

/// What the binary said.
pub(crate) struct Said {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl TestContext {
    /// A folder with these documents, and a configuration that mirrors it.
    pub(crate) fn new(documents: &[(&str, &str)]) -> Self {
        Self::with_options(documents, SimulatorOptions::default())
    }

    pub(crate) fn with_options(documents: &[(&str, &str)], options: SimulatorOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("docs")).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a server tells real time")]
        let simulator = Simulator::open(options, Arc::new(jiff::Timestamp::now)).unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(simulator.clone().serve(listener, std::future::pending()));
        let context = Self { folder, simulator, address, _runtime: runtime };
        for (path, text) in documents {
            context.write(path, text);
        }
        context.configure("");
        context
    }

    /// Writes the configuration anew, with more keys for the one source, indented as they stand under it.
    pub(crate) fn configure(&self, source: &str) {
        self.configure_whole(&format!(
            "sources:\n  - name: docs\n    files: {{ root: docs }}\n    \
             site: {{ generator: plain, base_url: https://docs.example.com/, urls: directory }}\n{source}"
        ));
    }

    /// Writes the configuration anew, with these sources.
    pub(crate) fn configure_whole(&self, sources: &str) {
        let text = format!(
            "intercom: {{ base_url: \"http://{}\", token: canary-token }}\nledger: {{ path: ledger.db }}\n{sources}",
            self.address
        );
        fs::write(self.path("finmirror.yaml"), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a document.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path("docs").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path("docs").join(path)).unwrap();
    }

    pub(crate) fn rename(&self, old: &str, new: &str) {
        fs::rename(self.path("docs").join(old), self.path("docs").join(new)).unwrap();
    }

    /// Runs the binary in the context's folder.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        let output = command(self.folder.path()).args(args).output().unwrap();
        Said::from(output)
    }

    /// Runs one cycle, and returns its report and the exit status.
    pub(crate) fn once(&self, args: &[&str]) -> (Value, i32) {
        let said = self.run(&[&["--once", "--json"], args].concat());
        let report: Value = serde_json::from_str(&said.out)
            .unwrap_or_else(|error| panic!("no report ({error}): exit {}\n{}\n{}", said.exit, said.out, said.err));
        assert_eq!(report["exit"], said.exit, "the report and the process agree");
        (report["cycles"][0].clone(), said.exit)
    }

    /// External ids and titles in Intercom.
    pub(crate) fn titles(&self) -> Vec<(String, String)> {
        self.simulator.pages().unwrap().into_iter().map(|((_, id), page)| (id, page.title)).collect()
    }

    /// Deletes of pages that the simulator was asked for.
    pub(crate) fn deletes(&self) -> u64 {
        self.simulator.journal(0, 100_000).iter().filter(|entry| entry.method == "DELETE").count() as u64
    }
}

impl Said {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            err: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

/// The binary, with nothing of the caller's environment.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_finmirror"));
    command.current_dir(folder).env_clear().env("HOME", folder);
    command
}
