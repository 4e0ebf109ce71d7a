//! Repositories end to end: the real binary and real git, over a folder, `git daemon`, HTTP with a password, and ssh.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{Response, StatusCode, header};

use super::support::{Said, TestContext};

/// A repository beside a mirror of it.
struct Rig {
    context: TestContext,
}

impl Rig {
    fn new() -> Self {
        let rig = Self { context: TestContext::new(&[]) };
        fs::create_dir(rig.repo()).unwrap();
        rig.git(&["init", "-q", "-b", "main"]);
        rig.git(&["config", "uploadpack.allowFilter", "true"]);
        rig.commit(&[
            ("docs/index.md", "# Home\n\nSee [the guide](guide/start.md).\n"),
            ("docs/guide/start.md", "# Start\n\nText.\n"),
            ("docs/faq.md", "# FAQ\n\nAsk.\n"),
            ("docs/logo.png", "PNG"),
            ("src/main.rs", "fn main() {}"),
        ]);
        rig
    }

    fn repo(&self) -> PathBuf {
        self.context.path("repo")
    }

    fn git(&self, words: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(words)
            .current_dir(self.repo())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.repo().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            self.write(path, text);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Mirrors a url, with more keys for `git` and more for the source.
    fn configure(&self, url: &str, git: &str, more: &str) {
        let timeout = if git.contains("timeout") { "" } else { ", timeout: 5m" };
        self.context.configure_whole(&format!(
            "sources:\n  - name: docs\n    git: {{ url: \"{url}\", ref: main, path: docs{timeout}{git} }}\n    \
             site: {{ generator: plain, base_url: https://docs.example.com/, urls: directory }}\n{more}"
        ));
    }

    fn mirrors(&self, url: &str, git: &str) {
        self.configure(url, git, "");
        let (report, exit) = self.context.once(&[]);
        assert_eq!((exit, &report["created"]), (0, &3.into()), "{report}");
        self.commit(&[("docs/faq.md", "# FAQ\n\nAsk anew.\n")]);
        let (report, exit) = self.context.once(&[]);
        assert_eq!((exit, &report["updated"], &report["unchanged"]), (0, &1.into(), &2.into()), "{report}");
        let (report, exit) = self.context.once(&[]);
        assert_eq!((exit, &report["requests"], &report["unchanged"]), (0, &0.into(), &3.into()), "{report}");
    }

    /// A run that cannot see the source: its problem.
    fn fails(&self, url: &str, git: &str) -> String {
        self.configure(url, git, "");
        let (report, exit) = self.context.once(&[]);
        assert_eq!((exit, self.context.deletes()), (1, 0), "{report}");
        report["problems"][0]["message"].as_str().unwrap().to_owned()
    }
}

fn files_say_nothing_of(secret: &str, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            files_say_nothing_of(secret, &path);
        } else if path.file_name().is_some_and(|name| name != "finmirror.yaml" && name != "token") {
            let bytes = fs::read(&path).unwrap();
            let has = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!has, "{}", path.display());
        }
    }
}

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // With what it has started itself: `git daemon` is a child of `git`.
        let _ = rustix::process::kill_process_group(
            rustix::process::Pid::from_child(&self.0),
            rustix::process::Signal::KILL,
        );
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a server and waits until it listens.
fn listening(command: &mut Command, port: u16) -> Server {
    let mut server = Server(
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
    );
    for _ in 0..3000 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return server;
        }
        assert!(server.0.try_wait().unwrap().is_none(), "the server ended");
        std::thread::park_timeout(Duration::from_millis(10));
    }
    panic!("the server does not listen");
}

fn daemon(root: &Path) -> (Server, String) {
    let port = free_port();
    let mut command = Command::new("git");
    command.args(["daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", "--log-destination=none"]);
    command.arg(format!("--port={port}")).arg(format!("--base-path={}", root.display())).arg(root);
    command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
    (listening(&mut command, port), format!("git://127.0.0.1:{port}/repo"))
}

#[test]
fn a_local_repository_is_mirrored_from_commit_to_commit() {
    let rig = Rig::new();
    rig.mirrors("repo", "");
    fs::rename(rig.repo().join("docs/faq.md"), rig.repo().join("docs/questions.md")).unwrap();
    fs::remove_file(rig.repo().join("docs/guide/start.md")).unwrap();
    rig.commit(&[("docs/new.md", "# New\n\nText.\n")]);
    let plan = rig.context.run(&["plan"]);
    insta::assert_snapshot!(plan.out, @r"
    # docs
    update  index.md  (links)
    create  new.md  (new)
    rename  questions.md  (moved from `faq.md`)
    delete  guide/start.md  (vanished)
    1 to create, 1 to update, 1 to rename, 1 to delete, 0 held, 0 unchanged, 0 failed
    warns  index.md:3: `guide/start.md` leads to `guide/start.md`, which is no page
    ");
    let (report, exit) = rig.context.once(&[]);
    assert_eq!((exit, &report["deleted"], &report["renamed"]), (0, &1.into(), &1.into()), "{report}");
    rig.write("docs/new.md", "# New\n\nOther text.\n");
    rig.git(&["commit", "-q", "--amend", "-a", "-m", "another history"]);
    let (report, exit) = rig.context.once(&[]);
    assert_eq!((exit, &report["updated"], &report["unchanged"]), (0, &1.into(), &2.into()), "{report}");
    let ids: Vec<String> = rig.context.titles().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["index.md", "new.md", "questions.md"]);
    for words in [vec!["export"], vec!["preview", "new.md"]] {
        assert_eq!(rig.context.run(&words).exit, 0, "{words:?}");
    }
    let said = rig.context.run(&["check"]);
    assert!(said.out.contains("3 documents in"), "{}", said.out);
}

#[test]
fn a_branch_a_folder_or_a_repository_that_is_gone_deletes_nothing() {
    let rig = Rig::new();
    rig.mirrors("repo", "");
    rig.git(&["branch", "-m", "other"]);
    assert!(rig.fails("repo", "").contains("there is no branch or tag `main`"));
    rig.git(&["branch", "-m", "main"]);
    rig.git(&["mv", "docs", "documentation"]);
    rig.commit(&[]);
    assert!(rig.fails("repo", "").contains("there is no folder `docs`"));
    fs::rename(rig.repo(), rig.context.path("away")).unwrap();
    assert!(rig.fails("repo", "").contains("check `url`"));
    assert_eq!(rig.context.titles().len(), 3);
    let said = rig.context.run(&["check"]);
    assert!(said.exit != 0 && said.out.contains("problem"), "{}", said.out);
}

#[test]
fn urls_may_name_the_commit_that_last_changed_a_page() {
    let rig = Rig::new();
    let first = rig.git(&["rev-parse", "HEAD"]);
    let second = rig.commit(&[("docs/faq.md", "# FAQ\n\nAsk anew.\n")]);
    rig.context.configure_whole(
        "sources:\n  - name: docs\n    git: { url: repo, path: docs }\n    site: { generator: plain, base_url: \
         https://h.example/, urls: \"/blob/{commit}/docs/{path}.md\" }\n",
    );
    let urls = || {
        let pages = rig.context.simulator.pages().unwrap().into_values();
        pages.map(|page| page.url.unwrap_or_default()).collect::<Vec<_>>()
    };
    let (report, exit) = rig.context.once(&[]);
    assert_eq!((exit, &report["created"]), (0, &3.into()), "{report}");
    let url = |commit: &str, path: &str| format!("https://h.example/blob/{commit}/docs/{path}");
    let expected = |faq: &str| vec![url(faq, "faq.md"), url(&first, "guide/start.md"), url(&first, "index.md")];
    assert_eq!(urls(), expected(&second));
    rig.commit(&[("src/main.rs", "fn main() { }")]);
    let (report, exit) = rig.context.once(&[]);
    assert_eq!((exit, &report["requests"]), (0, &0.into()), "no page changed: {report}");
    rig.commit(&[("docs/faq.md", "# FAQ\n")]);
    let third = rig.commit(&[("docs/faq.md", "# FAQ\n\nAsk anew.\n")]);
    let (report, _) = rig.context.once(&[]);
    assert_eq!((&report["updated"], urls()), (&1.into(), expected(&third)), "{report}");
}

#[test]
fn the_users_own_configuration_of_git_counts_where_it_is_asked_for() {
    let rig = Rig::new();
    let url = format!("http://127.0.0.1:{}/repo", free_port());
    let instead = format!("[url \"{}\"]\n\tinsteadOf = {url}\n", rig.repo().display());
    fs::write(rig.context.path(".gitconfig"), instead).unwrap();
    assert!(rig.fails(&url, "").contains("check the network"));
    rig.mirrors(&url, ", user_config: true");
}

#[test]
fn git_daemons_are_asked_for_what_they_give() {
    // With blobs by their ids; a server that knows no filters; one that refuses this one.
    for setting in [("allowFilter", "true"), ("allowFilter", "false"), ("x", "")] {
        let rig = Rig::new();
        match setting {
            ("x", _) => rig.git(&["config", "uploadpackfilter.blob:none.allow", "false"]),
            (key, value) => rig.git(&["config", &format!("uploadpack.{key}"), value]),
        };
        let (_server, url) = daemon(rig.repo().parent().unwrap());
        rig.mirrors(&url, "");
        if setting == ("allowFilter", "true") {
            let commit = rig.git(&["rev-parse", "HEAD~1"]);
            rig.configure(&url, "", "");
            let text = fs::read_to_string(rig.context.path("finmirror.yaml")).unwrap();
            fs::write(rig.context.path("finmirror.yaml"), text.replace("ref: main", &format!("ref: \"{commit}\"")))
                .unwrap();
            let (report, exit) = rig.context.once(&[]);
            assert_eq!((exit, &report["updated"]), (0, &1.into()), "a commit by its id: {report}");
        }
    }
    let nobody = format!("git://127.0.0.1:{}/repo", free_port());
    assert!(Rig::new().fails(&nobody, "").contains("check the network"));
}

#[test]
fn a_server_that_never_answers_costs_the_deadline_and_no_more() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let rig = Rig::new();
    let url = format!("git://{}/repo", silent.local_addr().unwrap());
    let message = rig.fails(&url, ", timeout: 1s");
    assert!(message.contains("raise `timeout`"), "{message}");
}

/// `git http-backend` behind a server that wants a password for `/repo`, and that leads `/away` to another origin.
struct Web {
    address: SocketAddr,
    /// What each request said of who asks.
    seen: Arc<Mutex<Vec<Option<String>>>>,
    _runtime: tokio::runtime::Runtime,
}

/// `x-access-token:s3cr3t-token`.
const BASIC: &str = "Basic eC1hY2Nlc3MtdG9rZW46czNjcjN0LXRva2Vu";

impl Web {
    fn serve(root: PathBuf, away: Option<SocketAddr>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let answer = move |request: Request| {
            let (root, log) = (root.clone(), Arc::clone(&log));
            async move {
                let (head, body) = request.into_parts();
                let authorization =
                    head.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
                log.lock().unwrap().push(authorization.clone());
                if let (Some(rest), Some(away)) = (head.uri.to_string().strip_prefix("/away"), away) {
                    let to = format!("http://{away}/repo{rest}");
                    return Response::builder().status(302).header(header::LOCATION, to).body(Body::empty()).unwrap();
                }
                if authorization.as_deref() != Some(BASIC) {
                    let ask = Response::builder().status(401).header(header::WWW_AUTHENTICATE, "Basic realm=\"docs\"");
                    return ask.body(Body::empty()).unwrap();
                }
                let body = to_bytes(body, 1 << 26).await.unwrap();
                tokio::task::spawn_blocking(move || backend(&root, &head, body)).await.unwrap()
            }
        };
        let app = axum::Router::new().fallback(answer);
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, seen, _runtime: runtime }
    }
}

/// One request by CGI.
fn backend(root: &Path, head: &axum::http::request::Parts, body: Bytes) -> Response<Body> {
    // As a server of the old protocol, which gives no blobs by their ids.
    let (path, is_old) = match head.uri.path().strip_prefix("/old") {
        Some(path) => (path, true),
        None => (head.uri.path(), false),
    };
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", path)
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("HTTP_GIT_PROTOCOL", if is_old { "" } else { header("git-protocol") })
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || drop(input.write_all(&body)));
    let output = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let end = output.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
    let mut response = Response::builder().status(StatusCode::OK);
    for line in std::str::from_utf8(&output[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        response = match name {
            "Status" => response.status(value[..3].parse::<u16>().unwrap()),
            _ => response.header(name, value),
        };
    }
    response.body(Body::from(output[end + 4..].to_vec())).unwrap()
}

#[test]
fn a_token_opens_its_own_origin_and_is_told_to_no_other() {
    let rig = Rig::new();
    let root = rig.repo().parent().unwrap().to_owned();
    fs::write(rig.context.path("token"), "s3cr3t-token\n").unwrap();
    let web = Web::serve(root.clone(), None);
    let url = format!("http://{}/repo/.git", web.address);
    let told = rig.fails(&url, "");
    assert!(told.contains("set `token_file`"), "{told}");
    fs::write(rig.context.path("token"), "wrong\n").unwrap();
    let told = rig.fails(&url, ", token_file: token");
    assert!(told.contains("set `token_file`"), "{told}");
    fs::write(rig.context.path("token"), "s3cr3t-token\n").unwrap();
    rig.mirrors(&url, ", token_file: token");

    let other = Web::serve(root.clone(), None);
    let leads_away = Web::serve(root.clone(), Some(other.address));
    let told = rig.fails(&format!("http://{}/away/.git", leads_away.address), ", token: s3cr3t-token");
    assert!(!told.contains("s3cr3t"), "{told}");
    let seen = other.seen.lock().unwrap().clone();
    assert!(!seen.is_empty() && seen.iter().all(Option::is_none), "{seen:?}");
    let said: Said = rig.context.run(&["check", "-vv"]);
    assert!(!said.out.contains("s3cr3t") && !said.err.contains("s3cr3t"), "{}{}", said.out, said.err);
    files_say_nothing_of("s3cr3t", &root);
}

#[test]
fn a_server_that_gives_no_blobs_by_their_ids_is_asked_for_all() {
    let rig = Rig::new();
    let web = Web::serve(rig.repo().parent().unwrap().to_owned(), None);
    let url = format!("http://{}/old/repo/.git", web.address);
    let old = rig.git(&["rev-parse", "HEAD"]);
    rig.commit(&[("docs/faq.md", "# FAQ\n\nAsk once more.\n")]);
    rig.mirrors(&url, ", token: s3cr3t-token");
    let text = fs::read_to_string(rig.context.path("finmirror.yaml")).unwrap();
    let text = text.replace("ref: main", &format!("ref: \"{old}\""));
    fs::write(rig.context.path("finmirror.yaml"), text).unwrap();
    let (report, exit) = rig.context.once(&[]);
    assert_eq!((exit, &report["updated"]), (0, &1.into()), "a commit that no ref names: {report}");
    fs::remove_dir_all(rig.context.path("git")).unwrap();
    let (report, exit) = rig.context.once(&["--full"]);
    assert_eq!((exit, &report["unchanged"]), (0, &3.into()), "and the same from nothing: {report}");
}

#[test]
fn ssh_asks_with_a_key_and_trusts_only_hosts_that_are_known() {
    let Some(sshd) = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].into_iter().find(|path| Path::new(path).exists())
    else {
        writeln!(std::io::stderr(), "skipped: there is no sshd (Debian: openssh-server)").unwrap();
        return;
    };
    let rig = Rig::new();
    let folder = rig.context.path("a folder for ssh");
    fs::create_dir(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for key in ["host", "other-host", "user", "stranger"] {
        let made =
            Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)]).status().unwrap();
        assert!(made.success());
    }
    fs::copy(path("user.pub"), path("authorized")).unwrap();
    // The daemon wants this folder where it runs as root.
    let _ = fs::create_dir("/run/sshd");
    let port = free_port();
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey \"{}\"\nAuthorizedKeysFile \"{}\"\nPidFile none\nStrictModes no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nPermitRootLogin yes\n",
        path("host"),
        path("authorized")
    );
    fs::write(path("config"), config).unwrap();
    let _server = listening(Command::new(sshd).args(["-D", "-f", &path("config")]), port);
    let known = |name: &str, key: &str| {
        let key = fs::read_to_string(path(key)).unwrap();
        fs::write(path(name), format!("[127.0.0.1]:{port} {key}")).unwrap();
    };
    known("known", "host.pub");
    known("known-otherwise", "other-host.pub");
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let url = format!("ssh://{}@127.0.0.1:{port}{}", user.trim(), rig.repo().display());
    let with = |key: &str, known: &str| {
        format!(", ssh_key_file: \"a folder for ssh/{key}\", known_hosts_file: \"a folder for ssh/{known}\"")
    };
    let told = rig.fails(&url, &with("user", "known-otherwise"));
    assert!(told.contains("known_hosts_file"), "{told}");
    let told = rig.fails(&url, &with("stranger", "known"));
    assert!(told.contains("ssh_key_file"), "{told}");
    let told = rig.fails(&url, &with("nobody", "known"));
    assert!(told.contains("is not there"), "{told}");
    rig.mirrors(&url, &with("user", "known"));
}
