//! Websites as sources: what is mirrored, what an unchanged one costs, and that no fault of one deletes a page (I2).

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{TestContext, command};

const PUBLIC: &str = "https://docs.example.com";
const NAMES: [&str; 6] = ["", "a/", "b/", "c/", "d.html", "e"];

/// What the website answers at a path.
#[derive(Clone)]
enum Served {
    Body(&'static str, Vec<u8>),
    Status(u16),
    Redirect(String),
    /// It never answers.
    Silence,
    /// It says that it has more than it sends.
    CutOff,
    /// The first time the one, from then on the other.
    Then(Box<Served>, Box<Served>),
}

#[derive(Default)]
struct State {
    served: BTreeMap<String, Served>,
    asked: Vec<(String, u16)>,
    /// Part of every page, and so of every `ETag`.
    build: u32,
    /// Whoever waits for an answer that does not come.
    waiting: Vec<TcpStream>,
}

/// A mirror of a website on loopback.
struct Website {
    context: TestContext,
    state: Arc<Mutex<State>>,
    address: SocketAddr,
}

impl Website {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let served = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let served = Arc::clone(&served);
                // A client that hangs up early is no fault of the website's.
                thread::spawn(move || drop(answer(&served, stream)));
            }
        });
        let website = Self { context: TestContext::new(&[]), state, address };
        for name in NAMES {
            website.serve(name, page(name));
        }
        website.list(&NAMES);
        website.configure("", "");
        website
    }

    /// Writes the configuration, with more keys of `sitemap` and of the source.
    fn configure(&self, sitemap: &str, source: &str) {
        let address = self.address;
        let url =
            if sitemap.contains("url:") { String::new() } else { format!("url: \"http://{address}/sitemap.xml\", ") };
        self.context.configure_whole(&format!(
            "sources:\n  - name: portal\n    sitemap: {{ {url}allow_networks: [127.0.0.0/8], timeout: 1s, {} fetch_from: {{ \"{PUBLIC}/\": \
             \"http://{address}/\" }} }}\n    {}\n",
            sitemap.replace("ADDRESS", &address.to_string()),
            if source.is_empty() { "deletes: { confirm_scans: 1 }" } else { source },
        ));
    }

    fn serve(&self, name: &str, served: Served) {
        self.state.lock().unwrap().served.insert(format!("/{name}"), served);
    }

    fn drop_page(&self, name: &str) {
        self.state.lock().unwrap().served.remove(&format!("/{name}"));
    }

    fn list(&self, names: &[&str]) {
        self.serve("sitemap.xml", Served::Body("application/xml", list(names).into()));
    }

    fn build(&self, build: u32) {
        self.state.lock().unwrap().build = build;
    }

    fn once(&self) -> (Value, i32) {
        self.state.lock().unwrap().asked.clear();
        self.context.once(&[])
    }

    /// Runs a cycle that converges.
    fn converges(&self) -> Value {
        let (report, exit) = self.once();
        assert_eq!(exit, 0, "{report:#}");
        report
    }

    /// Statuses of the requests of the last run, but for the list and `robots.txt`.
    fn answers(&self) -> BTreeMap<u16, usize> {
        let mut counts = BTreeMap::new();
        let state = self.state.lock().unwrap();
        let of_pages = state.asked.iter().filter(|(path, _)| !path.contains("sitemap") && path != "/robots.txt");
        of_pages.for_each(|(_, status)| *counts.entry(*status).or_default() += 1);
        counts
    }

    fn ids(&self) -> Vec<String> {
        self.context.titles().into_iter().map(|(id, _)| id).collect()
    }

    fn urls(&self) -> Vec<String> {
        self.context.simulator.pages().unwrap().into_values().filter_map(|page| page.url).collect()
    }
}

/// Answers one request, and closes the connection.
fn answer(state: &Mutex<State>, mut stream: TcpStream) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines();
    let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or("/").to_owned();
    let known =
        head.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("if-none-match: ").map(str::to_owned));
    let mut state = state.lock().unwrap();
    let mut served = state.served.get(&path).cloned().unwrap_or(Served::Status(404));
    if let Served::Then(first, later) = served {
        state.served.insert(path.clone(), *later);
        served = *first;
    }
    let (status, headers, body) = match served {
        Served::Body(kind, body) => {
            let text = |body| String::from_utf8(body).unwrap().replace("BUILD", &state.build.to_string()).into();
            let body: Vec<u8> = if kind == "text/html" { text(body) } else { body };
            let mut hash = DefaultHasher::new();
            body.hash(&mut hash);
            let etag = format!("\"{:x}\"", hash.finish());
            let headers = format!("Content-Type: {kind}\r\nETag: {etag}\r\n");
            if known.as_deref() == Some(&etag) { (304, headers, Vec::new()) } else { (200, headers, body) }
        }
        Served::Status(status) => (status, String::new(), b"no".to_vec()),
        Served::Redirect(to) => (302, format!("Location: {to}\r\n"), Vec::new()),
        Served::Silence => {
            state.asked.push((path, 0));
            state.waiting.push(stream);
            return Ok(());
        }
        Served::CutOff => {
            state.asked.push((path, 200));
            let half = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n<html><main><h1>Half</h1><p>a";
            return stream.write_all(half.as_bytes());
        }
        Served::Then(..) => unreachable!("it has been taken apart"),
    };
    state.asked.push((path, status));
    drop(state);
    let length = if status == 304 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    write!(stream, "HTTP/1.1 {status} It\r\n{headers}{length}Connection: close\r\n\r\n")?;
    stream.write_all(&body)
}

fn html(title: &str, text: &str) -> Served {
    let text = format!(
        "<!doctype html><html lang=en><head><title>{title} | Docs</title><meta name=build content=BUILD></head><body><nav><a href=/>Home</a>\
         </nav><main><h1>{title}</h1><p>{text}</p></main><footer>built BUILD</footer><script nonce=BUILD>1</script></body></html>"
    );
    Served::Body("text/html", text.into())
}

fn page(name: &str) -> Served {
    let name = name.trim_end_matches(['/']).trim_end_matches(".html").to_uppercase();
    html(&format!("Page {name}"), &format!("What there is to say of {name} is said here, in words that are its own."))
}

fn list(names: &[&str]) -> String {
    let urls: Vec<String> = names.iter().map(|name| format!("<url><loc>{PUBLIC}/{name}</loc></url>")).collect();
    let urls = urls.concat();
    format!("<?xml version=\"1.0\"?><urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">{urls}</urlset>")
}

fn index(parts: &[&str]) -> Served {
    let parts: Vec<String> =
        parts.iter().map(|part| format!("<sitemap><loc>{PUBLIC}/{part}</loc></sitemap>")).collect();
    let parts = parts.concat();
    Served::Body("application/xml", format!("<sitemapindex>{parts}</sitemapindex>").into())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xml(text: impl Into<Vec<u8>>) -> Served {
    Served::Body("application/xml", text.into())
}

#[test]
fn a_second_crawl_of_an_unchanged_website_is_answered_with_304_and_sends_nothing() {
    let website = Website::new();
    let report = website.converges();
    assert_eq!(report["created"], 6, "{report:#}");
    assert_eq!(website.ids(), ["/", "a/", "b/", "c/", "d.html", "e"]);
    assert_eq!(website.urls()[..3], [format!("{PUBLIC}/"), format!("{PUBLIC}/a/"), format!("{PUBLIC}/b/")]);
    assert_eq!(website.answers(), BTreeMap::from([(200, 6)]));
    let report = website.converges();
    assert_eq!(
        (&report["requests"], &report["unchanged"], &report["read"]),
        (&0.into(), &6.into(), &0.into()),
        "{report:#}"
    );
    assert_eq!(website.answers(), BTreeMap::from([(304, 6)]));
    website.serve("a/", html("Page A", "Something else."));
    website.build(1);
    let report = website.converges();
    assert_eq!((&report["updated"], &report["unchanged"]), (&1.into(), &5.into()), "{report:#}");
}

#[test]
fn what_each_build_changes_around_a_page_is_no_change_of_it() {
    let website = Website::new();
    website.converges();
    website.build(7);
    let report = website.converges();
    assert_eq!(
        (&report["requests"], &report["unchanged"], &report["read"]),
        (&0.into(), &6.into(), &6.into()),
        "{report:#}"
    );
    assert_eq!(website.answers(), BTreeMap::from([(200, 6)]));
    website.converges();
    assert_eq!(website.answers(), BTreeMap::from([(304, 6)]), "the new validators are known");
}

/// A fault of the website, and the page or list that has it.
struct Fault {
    what: &'static str,
    breaks: fn(&Website),
    /// What the run comes to: 1 with a problem or a failed page, 3 where deletes are held.
    exit: i32,
    says: &'static str,
}

/// Each of the website's faults with the list as it is, and again with a page that is off the list.
fn faults() -> Vec<Fault> {
    fn of(what: &'static str, says: &'static str, breaks: fn(&Website)) -> Fault {
        Fault { what, breaks, exit: 1, says }
    }
    vec![
        of("401", "401", |site| site.serve("b/", Served::Status(401))),
        of("403", "403", |site| site.serve("b/", Served::Status(403))),
        of("500", "500", |site| site.serve("b/", Served::Status(500))),
        of("429", "429", |site| site.serve("b/", Served::Status(429))),
        of("timeout", "timeout", |site| site.serve("b/", Served::Silence)),
        of("cut off", "cut off", |site| site.serve("b/", Served::CutOff)),
        of("other host", "another host", |site| {
            site.serve("b/", Served::Redirect("https://login.example.net/".into()));
        }),
        of("login", "login page", |site| {
            site.serve("b/", Served::Redirect("/login".into()));
            let form = "<html><title>Sign in</title><body><form method=post action=/login><label>User <input name=user></label><input \
                        type=password name=password><button>Log in</button></form></body></html>";
            site.serve("login", Served::Body("text/html", form.into()));
        }),
        of("shell", "program in the browser", |site| {
            let shell = "<html><head><title>App</title><script src=/app.js></script></head><body><div id=root></div><noscript>You need to \
                         enable JavaScript to run this app.</noscript></body></html>";
            site.serve("b/", Served::Body("text/html", shell.into()));
        }),
        of("no text", "no page", |site| {
            site.serve("b/", Served::Body("text/html", "<html><body></body></html>".into()));
        }),
        of("empty answer", "no page", |site| site.serve("b/", Served::Body("text/html", Vec::new()))),
        of("list 404", "404", |site| site.drop_page("sitemap.xml")),
        of("list 500", "500", |site| site.serve("sitemap.xml", Served::Status(500))),
        of("list cut off", "cut off", |site| {
            let all = list(&NAMES);
            site.serve("sitemap.xml", xml(&all.as_bytes()[..all.len() / 2]));
        }),
        of("list empty", "names nothing", |site| site.list(&[])),
        of("list of zero bytes", "names nothing", |site| site.serve("sitemap.xml", xml(""))),
        of("list is a page", "HTML", |site| site.serve("sitemap.xml", page("x"))),
        of("list of another host", "`fetch_from`?", |site| {
            site.serve("sitemap.xml", xml("<urlset><url><loc>https://other.example/</loc></url></urlset>"));
        }),
        of("XML bomb", "DTD", |site| {
            let bomb =
                "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><urlset><url><loc>&b;</loc></url></urlset>";
            site.serve("sitemap.xml", xml(bomb));
        }),
        of("gzip bomb", "it is refused", |site| {
            site.serve("sitemap.xml", xml(gzip(&[b"<urlset>".as_slice(), &[b' '; 20 << 20]].concat())));
        }),
        of("a part 404", "404", |site| {
            site.serve("sitemap.xml", index(&["sitemap-1.xml", "sitemap-2.xml"]));
            site.serve("sitemap-1.xml", xml(list(&NAMES[..3])));
        }),
        of("a part 500", "500", |site| {
            site.serve("sitemap.xml", index(&["sitemap-1.xml", "sitemap-2.xml"]));
            site.serve("sitemap-1.xml", xml(list(&NAMES[..3])));
            site.serve("sitemap-2.xml", Served::Status(500));
        }),
        of("an index in an index", "one level", |site| {
            site.serve("sitemap.xml", index(&["sitemap-1.xml"]));
            site.serve("sitemap-1.xml", index(&["sitemap-2.xml"]));
        }),
        Fault {
            what: "half the index missing",
            breaks: |site| {
                site.serve("sitemap.xml", index(&["sitemap-1.xml"]));
                site.serve("sitemap-1.xml", xml(list(&NAMES[..3])));
            },
            exit: 3,
            says: "still there",
        },
        of("robots 500", "robots.txt", |site| site.serve("robots.txt", Served::Status(500))),
        of("robots forbids all", "robots.txt", |site| {
            site.serve("robots.txt", Served::Body("text/plain", "User-agent: *\nDisallow: /".into()));
        }),
        of("robots forbids one", "robots.txt", |site| {
            site.serve("robots.txt", Served::Body("text/plain", "User-agent: *\nDisallow: /b".into()));
        }),
        of("half a website", "half a website", |site| NAMES[1..].iter().for_each(|name| site.drop_page(name))),
        of("maintenance elsewhere", "maintenance", |site| {
            site.serve("down", html("Back soon", "We mend something."));
            NAMES[2..5].iter().for_each(|name| site.serve(name, Served::Redirect("/down".into())));
        }),
        of("maintenance as a page", "maintenance", |site| {
            NAMES[1..].iter().for_each(|name| site.serve(name, html("Back soon", "We mend something.")));
        }),
        of("circle", "circle", |site| site.serve("b/", Served::Redirect("/b/".into()))),
        Fault {
            what: "all lead home",
            breaks: |site| NAMES[1..].iter().for_each(|name| site.serve(name, Served::Redirect("/".into()))),
            exit: 3,
            says: "more than half",
        },
        of("all down", "500", |site| NAMES.iter().for_each(|name| site.serve(name, Served::Status(500)))),
    ]
}

#[test]
fn no_fault_of_a_website_deletes_a_page() {
    for fault in faults() {
        let website = Website::new();
        website.converges();
        (fault.breaks)(&website);
        for _ in 0..2 {
            let (report, exit) = website.once();
            let what = fault.what;
            assert_eq!(website.context.deletes(), 0, "{what}: {report:#}");
            assert_eq!(website.ids().len(), 6, "{what}: {report:#}");
            assert_eq!(report["updated"], 0, "{what}: {report:#}");
            assert_eq!(exit, fault.exit, "{what}: {report:#}");
            assert!(report.to_string().contains(fault.says), "{what} says `{}`: {report:#}", fault.says);
        }
    }
}

#[test]
fn a_stop_asks_for_nothing_more_and_deletes_nothing() {
    let website = Website::new();
    website.converges();
    let before = website.ids();
    website.list(&["", "a/", "b/", "c/", "d.html"]);
    website.drop_page("e");
    // The first request leaves at once, the second would in an hour.
    website.configure("concurrency: 1, delay: 1h,", "");
    website.state.lock().unwrap().asked.clear();
    let mut run = command(&website.context.path("")).arg("--once").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let run = run.as_mut().unwrap();
    let asked = || website.state.lock().unwrap().asked.len();
    while asked() == 0 {
        assert!(run.try_wait().unwrap().is_none(), "it ended by itself");
        thread::park_timeout(Duration::from_millis(10));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(run), rustix::process::Signal::TERM).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(1));
    assert_eq!((asked(), website.ids()), (1, before));
    website.configure("", "");
    let report = website.converges();
    assert_eq!(report["deleted"], 1, "{report:#}");
}

#[test]
fn a_page_off_the_list_that_cannot_be_asked_for_is_not_gone() {
    let off_page =
        |fault: &Fault| !matches!(fault.what, "shell" | "no text" | "empty answer") && !fault.what.contains("list");
    for fault in faults().into_iter().take(11).filter(off_page) {
        let website = Website::new();
        website.converges();
        website.list(&["", "a/", "c/", "d.html", "e"]);
        (fault.breaks)(&website);
        let (report, exit) = website.once();
        assert_eq!((website.context.deletes(), exit), (0, 1), "{}: {report:#}", fault.what);
        assert!(report.to_string().contains(fault.says), "{}: {report:#}", fault.what);
    }
}

#[test]
fn a_page_is_gone_where_the_website_says_so() {
    let website = Website::new();
    website.converges();
    // Off the list, and 404; in the list, and 410; off the list, and a redirect to another page.
    website.list(&["", "a/", "c/", "d.html"]);
    website.drop_page("b/");
    website.serve("c/", Served::Status(410));
    website.serve("e", Served::Redirect("/a/".into()));
    let report = website.converges();
    assert_eq!(report["deleted"], 3, "{report:#}");
    assert_eq!(website.ids(), ["/", "a/", "d.html"]);
    assert!(report["warnings"].to_string().contains("in the list, and not there (404): `c/`"), "{report:#}");
}

#[test]
fn what_is_no_page_is_left_out_and_said() {
    let website = Website::new();
    website.converges();
    website.list(&[&NAMES[..], &["paper.pdf", "x.html"]].concat());
    website.serve("paper.pdf", Served::Body("application/pdf", b"%PDF-1.7".to_vec()));
    let frame = "<html><head><title>X</title><meta name=robots content=noindex></head><main><h1>X</h1><p>Not to be found.</p></main>";
    website.serve("x.html", Served::Body("text/html", frame.into()));
    website.serve("b/", Served::Body("text/html", frame.into()));
    let report = website.converges();
    assert_eq!(website.ids(), ["/", "a/", "c/", "d.html", "e"], "{report:#}");
    assert!(report["warnings"].to_string().contains("`paper.pdf` is skipped"), "{report:#}");
}

#[test]
fn a_preview_asks_for_one_page() {
    let website = Website::new();
    for name in [format!("{PUBLIC}/a/"), format!("http://{}/a/", website.address), "a/".to_owned()] {
        website.state.lock().unwrap().asked.clear();
        let said = website.context.run(&["preview", &name]);
        assert_eq!(said.exit, 0, "{}", said.err);
        assert!(said.out.contains("title  Page A") && said.out.contains(&format!("{PUBLIC}/a/")), "{}", said.out);
        assert_eq!(website.answers(), BTreeMap::from([(200, 1)]), "{name}");
    }
}

#[test]
fn what_comes_back_before_its_delete_stays() {
    let website = Website::new();
    website.converges();
    website.list(&["", "a/", "c/", "d.html", "e"]);
    website.serve("b/", Served::Then(Box::new(Served::Status(404)), Box::new(page("b/"))));
    let (report, _) = website.once();
    assert_eq!((website.context.deletes(), website.ids().len()), (0, 6), "{report:#}");
    website.serve("b/", Served::Then(Box::new(Served::Status(404)), Box::new(Served::Status(503))));
    let (report, exit) = website.once();
    assert_eq!((website.context.deletes(), exit), (0, 1), "{report:#}");
}

#[test]
fn a_page_off_the_list_that_still_answers_waits_for_a_person() {
    let website = Website::new();
    website.converges();
    website.list(&["", "a/", "c/", "d.html", "e"]);
    let (report, exit) = website.once();
    assert_eq!((exit, &report["held"]), (3, &1.into()), "{report:#}");
    website.configure("", "deletes: { confirm_scans: 1, delisted: delete }");
    let report = website.converges();
    assert_eq!(report["deleted"], 1, "{report:#}");
    assert_eq!(website.ids(), ["/", "a/", "c/", "d.html", "e"]);
}

#[test]
fn a_page_has_the_url_that_it_leads_to_and_two_of_one_place_are_one() {
    let website = Website::new();
    website.list(&[
        "a",
        "b/",
        "old/",
        "older/",
        "d.html",
        "e?x=1",
        "#top",
        "E?x=1#y",
        "f",
        "f/",
        "g.html",
        "caf%c3%a9",
        "café",
    ]);
    let says = |url: &str| {
        let page = format!(
            "<html><head><title>P</title><link rel=canonical href={PUBLIC}/{url}></head><main><h1>P {url}</h1><p>T.</p></main>"
        );
        Served::Body("text/html", page.into())
    };
    website.serve("f", says("f/"));
    website.serve("f/", says("f/"));
    website.serve("g.html", says("g"));
    website.serve("caf%C3%A9", page("café"));
    website.serve("a", Served::Redirect("/a/".into()));
    website.serve("old/", Served::Redirect("/new".into()));
    website.serve("older/", Served::Redirect("/new".into()));
    website.serve("new", page("new"));
    website.serve("d.html", Served::Redirect("/b/".into()));
    website.serve("e?x=1", page("e"));
    website.serve("E?x=1", Served::Redirect("/e?x=1".into()));
    let report = website.converges();
    let urls = ["", "a/", "b/", "caf%C3%A9", "e?x=1", "f/", "g", "new"].map(|path| format!("{PUBLIC}/{path}"));
    let mut found = website.urls();
    found.sort();
    assert_eq!(found, urls, "{report:#}");
    assert_eq!(website.ids(), ["/", "a", "b/", "caf%C3%A9", "e?x=1", "f/", "g.html", "old/"]);
    website.converges();
    assert_eq!(website.ids(), ["/", "a", "b/", "caf%C3%A9", "e?x=1", "f/", "g.html", "old/"]);
}

#[test]
fn lists_are_found_and_read_in_every_form() {
    let website = Website::new();
    website.drop_page("sitemap.xml");
    website.configure("url: \"http://ADDRESS/\", exclude: [e], ", "");
    let robots = format!(
        "User-agent: finmirror\nDisallow: /a\nSitemap: {PUBLIC}/index.txt\nSitemap: https://other.example/s.xml\n"
    );
    website.serve("robots.txt", Served::Body("text/plain", robots.into()));
    website.serve("index.txt", xml(gzip(b"<sitemapindex><sitemap><loc>/list.bin</loc></sitemap></sitemapindex>")));
    let text = NAMES.map(|name| format!("HTTPS://DOCS.example.com/{name}")).join("\r\n");
    website
        .serve("list.bin", Served::Body("application/octet-stream", gzip(text.replace("HTTPS", "https").as_bytes())));
    let report = website.converges();
    assert_eq!(website.ids(), ["/", "b/", "c/", "d.html"], "{report:#}");
    assert!(report["warnings"].to_string().contains("`robots.txt` forbids `a/`"), "{report:#}");
    website.configure(
        "url: \"http://ADDRESS/\", robots: ignore, include: [\"{a,b}/**\"], ",
        "deletes: { confirm_scans: 1, max_pages: 9 }",
    );
    website.once();
    assert!(website.ids().contains(&"a/".to_owned()));
}

#[test]
fn an_unchanged_lastmod_saves_requests_unless_every_build_stamps_it() {
    let website = Website::new();
    website.configure("trust_lastmod: true, ", "");
    let stamped = |days: [u32; 6]| {
        let url = |(name, day)| format!("<url><loc>{PUBLIC}/{name}</loc><lastmod>2020-01-{day:02}</lastmod></url>");
        xml(format!("<urlset>{}</urlset>", NAMES.into_iter().zip(days).map(url).collect::<String>()))
    };
    website.serve("sitemap.xml", stamped([1, 2, 3, 4, 5, 6]));
    website.converges();
    assert_eq!(website.answers(), BTreeMap::from([(200, 6)]));
    website.serve("sitemap.xml", stamped([1, 2, 3, 4, 5, 7]));
    let report = website.converges();
    assert_eq!(website.answers(), BTreeMap::from([(304, 1)]), "{report:#}");
    website.converges();
    assert_eq!(website.answers(), BTreeMap::new());
    website.serve("sitemap.xml", stamped([9; 6]));
    let report = website.converges();
    assert_eq!(website.answers(), BTreeMap::from([(304, 6)]));
    assert!(report["warnings"].to_string().contains("the same `lastmod`, `2020-01-09`"), "{report:#}");
}

#[test]
fn the_pages_own_markdown_is_taken_where_it_is() {
    let website = Website::new();
    let text = Served::Body("text/markdown; charset=utf-8", "# In Markdown\n\nThe words of it.\n".into());
    website.serve("a.md", text.clone());
    website.serve("d.md", text);
    website.configure("markdown: page, ", "");
    let report = website.converges();
    let titles = website.context.titles();
    let titles: Vec<&str> = titles.iter().map(|(_, title)| title.as_str()).collect();
    assert_eq!(titles.iter().filter(|title| **title == "In Markdown").count(), 2, "{titles:?} {report:#}");
    assert!(report["warnings"].to_string().contains("4 pages have no Markdown"), "{report:#}");
    assert_eq!(website.urls()[1], format!("{PUBLIC}/a/"));
    assert_eq!(website.converges()["requests"], 0);
    website.configure("markdown: llms_txt, ", "");
    website.serve("llms.txt", Served::Body("text/plain", "- [A](/a.md)\n".into()));
    website.converges();
    let titles = website.context.titles();
    assert_eq!(titles.iter().filter(|(_, title)| title == "In Markdown").count(), 1, "{titles:?}");
}

#[test]
fn a_website_of_empty_frames_is_told_once() {
    let website = Website::new();
    let shell = "<html><head><title>App</title><script src=/app.js></script></head><body><div id=root></div><noscript>You need to enable \
                 JavaScript to run this app.</noscript></body></html>";
    for name in NAMES {
        website.serve(name, Served::Body("text/html", shell.into()));
    }
    let (report, exit) = website.once();
    assert_eq!(
        (exit, report["problems"].as_array().unwrap().len(), report["failed"].as_array().unwrap().len()),
        (1, 1, 0),
        "{report:#}"
    );
}

#[test]
fn a_website_that_is_down_is_left_in_peace() {
    let website = Website::new();
    let many: Vec<String> = (0..400).map(|n| format!("p{n}")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    for name in &names {
        website.serve(name, Served::Status(503));
    }
    website.list(&names);
    let (report, exit) = website.once();
    assert_eq!(exit, 1);
    let asked = website.answers()[&503];
    assert!(asked < 100, "{asked} requests");
    assert!(report["problems"].to_string().contains("seems to be down"), "{report:#}");
}
