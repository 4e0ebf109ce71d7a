//! The client against servers on loopback that do what they are told.

mod server;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;

use self::server::{Heard, Server, drip, last, repeat, say, send_to, stall};
use super::*;

const SECRET: &str = "geheim-4711";

fn options() -> ClientOptions {
    ClientOptions {
        fetch_from: Vec::new(),
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        proxy: None,
        headers: Vec::new(),
        login: Login::None,
        cookies_file: None,
        client_certificate: None,
        ca_file: None,
        concurrency: 4,
        delay: Duration::ZERO,
        timeout: Duration::from_secs(20),
        max_bytes: 1 << 20,
    }
}

fn ask(url: &Url) -> Ask<'_> {
    Ask { url, etag: None, last_modified: None, accept: "text/html", max_bytes: 10_000_000 }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn client(options: ClientOptions, origin: &Url) -> Client {
    Client::new(options, origin, Stop::default()).unwrap()
}

/// Asks for a page of this server, as a website of its own.
fn get(server: &Server, path: &str) -> Result<Answer, Trouble> {
    let page = server.url(path);
    client(options(), &page).get(&ask(&page))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

mod addresses {
    use super::*;

    /// Each class, in the notations that reach it, and a word of the refusal.
    const FORBIDDEN: &[(&str, &[&str])] = &[
        (
            "loopback",
            &[
                "127.0.0.1",
                "127.8.8.8",
                "127.1",
                "127.0.1",
                "2130706433",
                "0x7f000001",
                "0x7F.1",
                "0177.0.0.1",
                "017700000001",
                "0x7f.0.0x0.01",
                "127.0.0.1.",
                "%31%32%37.0.0.1",
                "１２７.0.0.1",
                "127。0。0。1",
                "①27.0.0.1",
                "[::1]",
                "[0:0:0:0:0:0:0:1]",
                "[::ffff:127.0.0.1]",
                "[::ffff:7f00:1]",
                "[0:0:0:0:0:ffff:127.0.0.1]",
                "[64:ff9b::127.0.0.1]",
                "[64:ff9b::7f00:1]",
            ],
        ),
        ("private (RFC 1918)", &["10.0.0.1", "10.1", "0xa000001", "167772161", "172.16.0.1", "172.31.255.255"]),
        (
            "private (RFC 1918)",
            &["192.168.0.1", "192.168.257", "3232235521", "[::ffff:192.168.0.1]", "[64:ff9b::10.0.0.1]"],
        ),
        ("private (RFC 6598)", &["100.64.0.1", "100.127.255.255", "[::ffff:100.64.0.1]"]),
        ("private (RFC 4193)", &["[fc00::1]", "[fdff::1]"]),
        (
            "link-local",
            &["169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:a9fe:a9fe]", "[fe80::1]", "[febf::1]"],
        ),
        ("site-local", &["[fec0::1]", "[feff::1]"]),
        ("unspecified", &["0.0.0.0", "0", "0x0", "[::]", "[::ffff:0.0.0.0]"]),
        ("of this network only", &["0.0.0.1", "0.1.2.3", "1"]),
        ("broadcast", &["255.255.255.255", "4294967295", "0xffffffff", "[::ffff:255.255.255.255]"]),
        ("multicast", &["224.0.0.1", "239.255.255.255", "[ff02::1]", "[::ffff:224.0.0.1]"]),
        (
            "reserved",
            &["240.0.0.1", "192.0.0.1", "192.88.99.1", "[2001:10::1]", "[2001:20::1]", "[4000::1]", "[5f00::1]"],
        ),
        ("for documentation", &["192.0.2.1", "198.51.100.1", "203.0.113.1", "[2001:db8::1]", "[3fff::1]"]),
        ("for benchmarking", &["198.18.0.1", "198.19.255.255", "[2001:2::1]"]),
        (
            "embedded IPv4",
            &["[::127.0.0.1]", "[::8.8.8.8]", "[2002:7f00:1::1]", "[2002:0a00:1::]", "[64:ff9b:1::10.0.0.1]"],
        ),
        ("embedded IPv4", &["[2001:0:7f00:1::1]", "[2001::80ff:fffe]"]),
    ];

    fn each() -> impl Iterator<Item = (&'static str, &'static str, IpAddr)> {
        FORBIDDEN.iter().flat_map(|(class, all)| {
            all.iter().map(|literal| {
                let url = url(&format!("http://{literal}/"));
                let address = url.host_str().unwrap().trim_matches(['[', ']']).parse();
                (*class, *literal, address.unwrap_or_else(|_| panic!("`{literal}` is no address but a name")))
            })
        })
    }

    fn strict() -> ClientOptions {
        ClientOptions { allow_networks: Vec::new(), ..options() }
    }

    fn refused(answer: Result<Answer, Trouble>, what: &str) -> String {
        match answer {
            Err(Trouble::Refused(message)) => message,
            other => panic!("{what}: {other:?}"),
        }
    }

    #[test]
    fn no_class_is_asked_as_a_literal_in_any_notation() {
        let mut count = 0;
        for (class, literal, _) in each() {
            let page = url(&format!("http://{literal}:1/"));
            let message = refused(client(strict(), &page).get(&ask(&page)), literal);
            assert!(message.contains(class) && message.contains("allow_networks: ["), "{literal}: {message}");
            count += 1;
        }
        assert_eq!(count, 84);
    }

    #[test]
    fn no_class_is_asked_by_a_name() {
        let page = url("http://portal.example:1/");
        for (class, literal, address) in each() {
            let lookup: Lookup = Arc::new(move |_| Ok(vec![(address, 0).into()]));
            let client = Client::with_lookup(strict(), &page, lookup, Stop::default()).unwrap();
            let message = refused(client.get(&ask(&page)), literal);
            assert!(message.contains(class) && message.contains(&format!("is at `{address}`")), "{message}");
        }
    }

    #[test]
    fn no_class_is_asked_for_a_redirect() {
        let server = Server::start(|heard| send_to(heard.target.strip_prefix("/?").unwrap()));
        let origin = server.url("/");
        for (class, literal, address) in each() {
            if address == IpAddr::from([127, 0, 0, 1]) {
                continue; // The server itself.
            }
            let to = url(&format!("http://{literal}:1/"));
            // The host is one of the website's, or it would not even come to its address.
            let fetch_from = vec![(to.clone(), to.clone())];
            let allow_networks = vec!["127.0.0.1/32".parse().unwrap()];
            let client = client(ClientOptions { fetch_from, allow_networks, ..options() }, &origin);
            let answer = client.get(&ask(&server.url(&format!("/?{to}"))));
            if Allowed(vec!["127.0.0.1/32".parse().unwrap()]).refuses(address).is_none() {
                continue; // Another name of the server's address.
            }
            let message = refused(answer, literal);
            assert!(message.contains(class), "{literal}: {message}");
        }
    }

    #[test]
    fn every_class_may_be_asked_when_it_is_named() {
        for (_, literal, address) in each() {
            let named = Allowed(vec![address.into()]);
            assert_eq!(named.refuses(address), None, "{literal}");
        }
    }

    #[test]
    fn an_allowed_address_is_asked_in_every_notation() {
        let server = Server::start(|_| say(200, "", "here"));
        let port = server.address.port();
        for host in ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "localhost"] {
            let page = url(&format!("http://{host}:{port}/"));
            let allow_networks = vec!["127.0.0.1/32".parse().unwrap()];
            let client = client(ClientOptions { allow_networks, ..options() }, &page);
            assert_eq!(client.get(&ask(&page)).unwrap().body, b"here", "{host}");
        }
    }

    #[test]
    fn a_name_that_answers_differently_the_next_time_is_checked_the_next_time() {
        let good = Server::start_at("127.0.0.2:0", None, |heard| match heard.target.as_str() {
            "/again" => send_to("/page"),
            _ => last("HTTP/1.1 200 X\r\ncontent-length: 4\r\nconnection: close\r\n\r\nhere"),
        });
        let port = good.address.port();
        let trap = Server::start_at(&format!("127.0.0.1:{port}"), None, |_| say(200, "", "inside"));
        let count = Arc::new(AtomicUsize::new(0));
        let lookups = Arc::clone(&count);
        let lookup: Lookup = Arc::new(move |_| {
            let first = lookups.fetch_add(1, Ordering::Relaxed) == 0;
            Ok(vec![SocketAddr::from(([127, 0, 0, if first { 2 } else { 1 }], 0))])
        });
        let page = url(&format!("http://portal.example:{port}/page"));
        let allow_networks = vec!["127.0.0.2/32".parse().unwrap()];
        let client =
            Client::with_lookup(ClientOptions { allow_networks, ..options() }, &page, lookup, Stop::default()).unwrap();
        assert_eq!(client.get(&ask(&page)).unwrap().body, b"here");
        assert_eq!(count.load(Ordering::Relaxed), 1, "what is connected to is what was checked");
        let message = refused(client.get(&ask(&page)), "the second time");
        assert!(message.contains("127.0.0.1/32"), "{message}");
        assert_eq!((good.targets().len(), trap.targets().len()), (1, 0));
    }

    #[test]
    fn of_several_addresses_only_those_are_asked_that_may_be() {
        let good = Server::start_at("127.0.0.2:0", None, |_| say(200, "", "here"));
        let port = good.address.port();
        let trap = Server::start_at(&format!("127.0.0.1:{port}"), None, |_| say(200, "", "inside"));
        let lookup: Lookup = Arc::new(|_| {
            Ok(["127.0.0.1", "10.0.0.1", "127.0.0.2", "::1"].map(|a| SocketAddr::new(a.parse().unwrap(), 0)).to_vec())
        });
        let page = url(&format!("http://portal.example:{port}/"));
        let allow_networks = vec!["127.0.0.2/32".parse().unwrap()];
        let client =
            Client::with_lookup(ClientOptions { allow_networks, ..options() }, &page, lookup, Stop::default()).unwrap();
        assert_eq!(client.get(&ask(&page)).unwrap().body, b"here");
        assert!(trap.heard().is_empty());
    }

    #[test]
    fn a_proxy_looks_up_names_itself_and_that_is_said() {
        let proxy = Server::start(|_| say(200, "", "through"));
        let page = url("http://portal.invalid/page");
        let options = ClientOptions { allow_networks: Vec::new(), proxy: Some(proxy.url("/")), ..options() };
        let client = client(options, &page);
        assert_eq!(client.get(&ask(&page)).unwrap().body, b"through");
        assert_eq!(proxy.targets(), ["http://portal.invalid/page"]);
        assert!(client.notices()[0].contains("allow_networks"), "{:?}", client.notices());
    }
}

mod ways {
    use super::*;

    #[test]
    fn redirects_are_followed_to_the_url_that_answers() {
        let server = Server::start(|heard| match heard.target.as_str() {
            "/a" => send_to("b?x=1#part"),
            "/b?x=1" => say(308, "location: /c/\r\n", "moved"),
            _ => say(200, "x-robots-tag: noindex\r\nx-robots-tag: nofollow\r\nlink: <x>; rel=canonical\r\n", "end"),
        });
        let answer = get(&server, "/a").unwrap();
        assert_eq!((answer.head.status, answer.head.url), (200, server.url("/c/")));
        assert_eq!(answer.head.robots.as_deref(), Some("noindex, nofollow"));
        assert_eq!(answer.head.link.as_deref(), Some("<x>; rel=canonical"));
        assert_eq!(server.targets(), ["/a", "/b?x=1", "/c/"]);
    }

    #[test]
    fn circles_end_and_so_do_long_ways() {
        let server = Server::start(|heard| match heard.target.as_str() {
            "/self" => send_to("/self"),
            "/a" => send_to("/b"),
            "/b" => send_to("/a"),
            number => send_to(&format!("/{}", number[1..].parse::<u32>().unwrap() + 1)),
        });
        assert_eq!(get(&server, "/self").unwrap_err(), Trouble::Loop);
        assert_eq!(get(&server, "/a").unwrap_err(), Trouble::Loop);
        assert_eq!(server.targets(), ["/self", "/a", "/b"]);
        assert_eq!(get(&server, "/0").unwrap_err(), Trouble::Loop);
        assert_eq!(server.targets().len(), 3 + 11);
    }

    #[test]
    fn other_hosts_other_schemes_and_nonsense_are_not_followed() {
        let server = Server::start(|heard| send_to(heard.target.strip_prefix("/?").unwrap()));
        let other = get(&server, "/?https://user:geheim@other.example/x#y").unwrap_err();
        assert_eq!(other, Trouble::OtherHost(url("https://other.example/x")));
        assert_eq!(get(&server, "/?//other.example").unwrap_err(), Trouble::OtherHost(url("http://other.example/")));
        for scheme in ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "data:text/html,x"] {
            let trouble = get(&server, &format!("/?{scheme}")).unwrap_err();
            assert!(matches!(&trouble, Trouble::Refused(message) if message.contains("never asked")), "{trouble:?}");
        }
        assert!(matches!(get(&server, "/?http://[").unwrap_err(), Trouble::Broken(_)));
        let page = url("http://elsewhere.example/");
        let client = client(options(), &server.url("/"));
        assert_eq!(client.get(&ask(&page)).unwrap_err(), Trouble::OtherHost(page.clone()));
    }

    #[test]
    fn a_redirect_without_a_place_is_an_answer() {
        let server = Server::start(|_| say(302, "", ""));
        assert_eq!(get(&server, "/").unwrap().head.status, 302);
    }

    #[test]
    fn what_is_published_elsewhere_is_fetched_where_the_configuration_says() {
        let server = Server::start(|heard| match heard.target.as_str() {
            "/site/old" => send_to("https://docs.example.com/new"),
            "/site/new" => send_to("/site/newer"),
            _ => say(200, "", "here"),
        });
        let fetch_from = vec![(url("https://docs.example.com/"), server.url("/site/"))];
        let client = client(ClientOptions { fetch_from, ..options() }, &server.url("/site/sitemap.xml"));
        let answer = client.get(&ask(&url("https://docs.example.com/old"))).unwrap();
        assert_eq!(answer.head.url, url("https://docs.example.com/newer"));
        assert_eq!(server.targets(), ["/site/old", "/site/new", "/site/newer"]);
    }
}

mod credentials {
    use super::*;

    fn secret_options() -> ClientOptions {
        ClientOptions {
            headers: vec![("X-Portal".into(), SECRET.into()), ("Accept-Encoding".into(), "zstd".into())],
            login: Login::Bearer(Credential::Value(SECRET.into())),
            ..options()
        }
    }

    fn shows(heard: &Heard) -> bool {
        heard.headers.iter().any(|line| line.contains(SECRET))
    }

    #[test]
    fn go_to_the_configured_origins_and_not_beyond_a_redirect() {
        let folder = tempfile::tempdir().unwrap();
        let jar = folder.path().join("cookies.txt");
        std::fs::write(&jar, format!("127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t{SECRET}\n")).unwrap();
        let back = Server::start(|_| say(200, "", "configured"));
        let to = back.url("/back");
        let stranger = Server::start(move |heard| match heard.target.as_str() {
            "/there-and-back" => send_to(to.as_str()),
            _ => say(200, "set-cookie: a=b\r\n", "stranger"),
        });
        let (aside, beyond, friend) = (stranger.url("/"), stranger.url("/there-and-back"), back.url("/friend"));
        let origin = Server::start(move |heard| match heard.target.as_str() {
            "/within" => send_to("/page"),
            "/aside" => send_to(aside.as_str()),
            "/beyond" => send_to(beyond.as_str()),
            "/friend" => send_to(friend.as_str()),
            _ => say(200, "set-cookie: a=b\r\n", "origin"),
        });
        let fetch_from = vec![(back.url("/"), back.url("/"))];
        let options = ClientOptions { cookies_file: Some(jar), fetch_from, ..secret_options() };
        let client = client(options, &origin.url("/sitemap.xml"));
        for (path, body) in
            [("/within", "origin"), ("/aside", "stranger"), ("/friend", "configured"), ("/beyond", "configured")]
        {
            assert_eq!(client.get(&ask(&origin.url(path))).unwrap().body, body.as_bytes(), "{path}");
        }
        client.get(&ask(&stranger.url("/asked-for"))).unwrap();
        assert_eq!(origin.heard().len(), 5);
        for heard in origin.heard() {
            assert_eq!(heard.header("authorization"), Some(&*format!("Bearer {SECRET}")));
            assert_eq!(heard.header("cookie"), Some(&*format!("session={SECRET}")), "and none that was set");
            assert_eq!(heard.header("x-portal"), Some(SECRET));
            assert_eq!(heard.header("accept-encoding"), Some("gzip, br"), "what can be read is asked for");
            assert!(heard.header("user-agent").unwrap().starts_with("finmirror/"));
        }
        let strangers = stranger.heard();
        assert_eq!(strangers.len(), 3);
        assert!(strangers.iter().all(|heard| !shows(heard)), "{strangers:?}");
        let back: Vec<_> = back.heard().iter().map(|heard| (heard.target.clone(), shows(heard))).collect();
        assert_eq!(back, [("/friend".into(), true), ("/back".into(), false)]);
    }

    #[test]
    fn are_read_again_for_every_request() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let server = Server::start(|_| say(200, "", ""));
        let origin = server.url("/");
        let login = Login::Basic("reader".into(), Credential::File(file.clone()));
        let client = client(ClientOptions { login, ..options() }, &origin);
        let missing = client.get(&ask(&origin)).unwrap_err();
        assert!(matches!(&missing, Trouble::Credential(message) if message.contains("password_file")), "{missing:?}");
        for password in ["one\n", "two\r\n"] {
            std::fs::write(&file, password).unwrap();
            client.get(&ask(&origin)).unwrap();
        }
        let shown: Vec<_> =
            server.heard().iter().map(|heard| heard.header("authorization").unwrap().to_owned()).collect();
        // `reader:one` and `reader:two`.
        assert_eq!(shown, ["Basic cmVhZGVyOm9uZQ==", "Basic cmVhZGVyOnR3bw=="]);
        std::fs::write(&file, "\n").unwrap();
        assert!(matches!(client.get(&ask(&origin)).unwrap_err(), Trouble::Credential(_)));
    }

    #[test]
    fn stand_in_no_message() {
        let server = Server::start(|_| last("no HTTP"));
        let mut options = secret_options();
        options.login = Login::Bearer(Credential::Value(format!("{SECRET}\n").into()));
        let origin = server.url("/");
        let unfit = client(options.clone(), &origin);
        options.login = Login::None;
        let broken = client(options.clone(), &origin);
        for said in [
            format!("{:?} {}", unfit.get(&ask(&origin)), unfit.get(&ask(&origin)).unwrap_err()),
            format!("{:?} {}", broken.get(&ask(&origin)), broken.get(&ask(&origin)).unwrap_err()),
            format!("{unfit:?} {options:?}"),
        ] {
            assert!(!said.contains(SECRET), "{said}");
        }
    }
}

mod bodies {
    use super::*;

    const PAGE: &str = "<p>a page of some length, a page of some length, a page of some length</p>";

    fn with(headers: &str, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 200 X\r\n{headers}\r\n").as_bytes(), body].concat()
    }

    #[test]
    fn come_whole_or_not_at_all() {
        let packed = gzip(PAGE.as_bytes());
        let chunked = "transfer-encoding: chunked\r\n";
        let mut wrong_sum = packed.clone();
        let end = wrong_sum.len() - 8;
        wrong_sum[end] ^= 1;
        let length = |bytes: usize, more: &str| format!("content-length: {bytes}\r\n{more}");
        let gzipped = "content-encoding: gzip\r\n";
        for (what, headers, body) in [
            ("a length that is not reached", length(100, ""), PAGE.as_bytes()),
            ("chunks without an end", chunked.into(), b"4\r\n<p>a\r\n"),
            ("half a chunk", chunked.into(), b"40\r\n<p>a"),
            ("gzip without a trailer", length(packed.len() - 8, gzipped), &packed[..packed.len() - 8]),
            ("half a trailer", length(packed.len() - 1, gzipped), &packed[..packed.len() - 1]),
            ("half of gzip", length(packed.len() / 2, gzipped), &packed[..packed.len() / 2]),
            ("a wrong sum", length(packed.len(), gzipped), &wrong_sum),
            ("no gzip", length(PAGE.len(), gzipped), PAGE.as_bytes()),
            ("half of brotli", length(BROTLI.len() - 9, "content-encoding: br\r\n"), &BROTLI[..BROTLI.len() - 9]),
            ("no brotli", length(4, "content-encoding: br\r\n"), b"\xff\xff\xff\xff"),
            ("what was not asked for", length(4, "content-encoding: zstd\r\n"), b"<p>a"),
            ("packed twice", length(4, "content-encoding: gzip, br\r\n"), b"<p>a"),
        ] {
            let bytes = with(&headers, body);
            let server = Server::start(move |_| last(&bytes));
            assert!(matches!(get(&server, "/"), Err(Trouble::Broken(_))), "{what}: {:?}", get(&server, "/"));
            let client = client(options(), &server.url("/"));
            let streamed =
                client.open(&ask(&server.url("/"))).and_then(|(_, mut body)| Ok(body.read_to_end(&mut Vec::new())?));
            assert!(matches!(streamed, Err(Trouble::Broken(_))), "{what}: {streamed:?}");
        }
    }

    /// "hello brotli, hello brotli, hello brotli", as brotli 1.0 packs it.
    const BROTLI: &[u8] = &[
        27, 39, 0, 248, 29, 9, 54, 78, 116, 111, 36, 134, 215, 98, 101, 104, 114, 26, 132, 133, 141, 78, 178, 165, 189,
        5, 83, 241, 0, 204, 12, 191, 4,
    ];

    /// 64 MiB of zeros, with the largest window.
    const BROTLI_BOMB: [u8; 51] = [
        207, 255, 255, 127, 0, 36, 0, 226, 177, 64, 114, 239, 255, 249, 255, 255, 15, 128, 4, 64, 28, 22, 128, 238,
        253, 63, 255, 255, 255, 1, 144, 0, 136, 195, 2, 208, 189, 255, 207, 255, 255, 127, 0, 18, 0, 113, 88, 0, 186,
        247, 255,
    ];

    #[test]
    fn are_unpacked() {
        let packed = gzip(PAGE.as_bytes());
        let server = Server::start(move |heard| match heard.target.as_str() {
            "/gzip" => say(200, "content-encoding: gzip\r\n", &packed),
            "/members" => say(200, "content-encoding: X-GZIP\r\n", [&*packed, &*packed].concat()),
            "/br" => say(200, "content-encoding: br\r\n", BROTLI),
            "/nothing" => {
                last("HTTP/1.1 200 X\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")
            }
            "/chunked" => last("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
            "/until-closed" => last("HTTP/1.0 200 X\r\n\r\nabcde"),
            _ => say(200, "content-encoding: identity\r\n", PAGE),
        });
        let body = |path: &str| String::from_utf8(get(&server, path).unwrap().body).unwrap();
        assert_eq!(body("/gzip"), PAGE);
        assert_eq!(body("/members"), PAGE.repeat(2));
        assert_eq!(body("/br"), "hello brotli, hello brotli, hello brotli");
        assert_eq!(body("/nothing"), "");
        assert_eq!(body("/chunked"), "abcde");
        assert_eq!(body("/until-closed"), "abcde");
        assert_eq!(body("/plain"), PAGE);
    }

    #[test]
    fn over_the_limit_are_given_up() {
        let server = Server::start(|heard| match heard.target.as_str() {
            "/announced" => stall("HTTP/1.1 200 X\r\ncontent-length: 20000000\r\n\r\n"),
            "/packed" => say(200, "content-encoding: gzip\r\n", gzip(&[b'a'; 2000])),
            _ => repeat("HTTP/1.1 200 X\r\n\r\n", Vec::new(), vec![b'a'; 1 << 16], 1 << 20),
        });
        let (announced, endless, packed) = (server.url("/announced"), server.url("/"), server.url("/packed"));
        let client = client(options(), &endless);
        assert_eq!(client.get(&ask(&announced)).unwrap_err(), Trouble::TooLarge);
        assert_eq!(client.get(&ask(&endless)).unwrap_err(), Trouble::TooLarge);
        let limited = |max_bytes| client.get(&Ask { max_bytes, ..ask(&packed) }).map(|answer| answer.body.len());
        assert_eq!(limited(2000), Ok(2000));
        assert_eq!(limited(1999), Err(Trouble::TooLarge));
        let (_, mut body) = client.open(&Ask { max_bytes: 100_000, ..ask(&endless) }).unwrap();
        let mut read = Vec::new();
        assert_eq!(Trouble::from(body.read_to_end(&mut read).unwrap_err()), Trouble::TooLarge);
        assert!(read.len() <= 100_000);
    }

    #[test]
    fn of_other_statuses_are_not_read_and_break_nothing() {
        let server = Server::start(|heard| match heard.target.as_str() {
            "/cut" => last("HTTP/1.1 404 X\r\ncontent-length: 100\r\n\r\nabc"),
            "/drip" => stall("HTTP/1.1 410 X\r\ncontent-length: 100\r\n\r\nabc"),
            "/packed" => say(500, "content-encoding: zstd\r\n", "abc"),
            _ => say(304, "", ""),
        });
        for (path, status) in [("/cut", 404), ("/drip", 410), ("/packed", 500), ("/same", 304)] {
            let answer = get(&server, path).unwrap();
            assert_eq!((answer.head.status, answer.body.len()), (status, 0));
        }
    }

    /// The most memory that this process ever had, in KiB.
    fn peak_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Ten gigabytes of zeros, as 10 MB: a block of 16 MiB that leaves the packer where it was, over and over.
    fn bomb() -> server::Act {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.flush().unwrap();
        let header = packed.get_ref().len();
        packed.write_all(&vec![0; 16 << 20]).unwrap();
        packed.flush().unwrap();
        let first = packed.get_ref().len();
        packed.write_all(&vec![0; 16 << 20]).unwrap();
        packed.flush().unwrap();
        let all = packed.get_ref();
        assert!(header < first);
        let head = "HTTP/1.1 200 X\r\ncontent-encoding: gzip\r\n\r\n";
        repeat(head, all[..first].to_vec(), all[first..].to_vec(), 640)
    }

    const BOMB: &str = "FINMIRROR_TEST_BOMB";

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the other half of this test is told where the server is")]
    fn bombs_take_no_memory() {
        if let Ok(place) = std::env::var(BOMB) {
            // In a process of its own, for the peak is a process's.
            let place = url(&place);
            let client = client(options(), &place);
            let warm = client.get(&ask(&place.join("/small").unwrap())).unwrap();
            assert_eq!(warm.head.status, 200);
            let before = peak_kib();
            let wide = client.get(&ask(&place.join("/br").unwrap()));
            assert!(matches!(wide, Err(Trouble::Broken(_))), "{wide:?}");
            for path in ["/bomb", "/bomb?again"] {
                let page = place.join(path).unwrap();
                assert_eq!(client.get(&ask(&page)).unwrap_err(), Trouble::TooLarge, "{path}");
                let (_, mut body) = client.open(&Ask { max_bytes: u64::MAX, ..ask(&page) }).unwrap();
                let read = std::io::copy(&mut body, &mut std::io::sink());
                assert_eq!(Trouble::from(read.unwrap_err()), Trouble::TooLarge, "{path}");
            }
            let grown = peak_kib() - before;
            assert!(grown <= 16 << 10, "{grown} KiB");
            writeln!(std::io::stdout(), "peak grew by {grown} KiB to {} KiB", peak_kib()).unwrap();
            return;
        }
        let server = Server::start(|heard| match heard.target.as_str() {
            "/bomb" | "/bomb?again" => bomb(),
            "/br" => say(200, "content-encoding: br\r\n", BROTLI_BOMB),
            _ => say(200, "content-encoding: gzip\r\n", gzip(b"small")),
        });
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "source::sitemap::client::tests::bodies::bombs_take_no_memory", "--nocapture"]);
        let done = child.env(BOMB, server.url("/").as_str()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(
            done.status.success() && said.contains("peak grew by"),
            "{said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let figure = said.lines().find_map(|line| Some(&line[line.find("peak grew")?..])).unwrap_or_default();
        writeln!(std::io::stderr(), "{figure}").unwrap();
    }
}

mod times {
    use super::*;

    fn hasty(server: &Server) -> Client {
        client(ClientOptions { timeout: Duration::from_millis(300), ..options() }, &server.url("/"))
    }

    #[test]
    fn an_answer_that_does_not_come_or_drips_is_ended() {
        let server = Server::start(|heard| match heard.target.as_str() {
            "/drip" => drip(),
            "/head" => stall("HTTP/1.1 200 X\r\ncontent-"),
            "/body" => stall("HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\nabc"),
            "/hops" => send_to("/drip"),
            _ => stall(""),
        });
        let client = hasty(&server);
        for path in ["/", "/head", "/body", "/drip", "/hops"] {
            assert_eq!(client.get(&ask(&server.url(path))).unwrap_err(), Trouble::Timeout, "{path}");
        }
        let (_, mut body) = client.open(&ask(&server.url("/drip"))).unwrap();
        assert_eq!(Trouble::from(body.read_to_end(&mut Vec::new()).unwrap_err()), Trouble::Timeout);
    }

    #[test]
    fn nobody_there_is_said() {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let page = url(&format!("http://{gone}/"));
        let trouble = client(options(), &page).get(&ask(&page)).unwrap_err();
        assert!(matches!(&trouble, Trouble::Connect(message) if message.contains("127.0.0.1")), "{trouble:?}");
    }

    #[test]
    fn a_website_that_asks_for_patience_gets_it_within_limits() {
        let count = AtomicUsize::new(0);
        let server = Server::start(move |heard| {
            let busy = count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
            match heard.target.as_str() {
                "/limited" if busy => say(429, "", ""),
                "/busy" if busy => say(503, "retry-after: 0\r\n", ""),
                "/long" => say(503, "retry-after: 3600\r\n", ""),
                "/date" => say(
                    503,
                    "date: Tue, 24 Nov 2026 10:00:00 GMT\r\nretry-after: Tue, 24 Nov 2026 12:00:00 GMT\r\n",
                    "",
                ),
                "/always" => say(429, "retry-after: 0\r\n", ""),
                "/down" => say(503, "", ""),
                _ => say(200, "", "here"),
            }
        });
        for (path, status, retry_after) in [
            ("/limited", 200, None),
            ("/busy", 200, None),
            ("/long", 503, Some(3600)),
            ("/date", 503, Some(7200)),
            ("/always", 429, Some(0)),
            ("/down", 503, None),
        ] {
            let head = get(&server, path).unwrap().head;
            assert_eq!((head.status, head.retry_after.map(|wait| wait.as_secs())), (status, retry_after), "{path}");
        }
        let targets = server.targets();
        let asked = |path: &str| targets.iter().filter(|target| *target == path).count();
        assert_eq!(["/limited", "/busy", "/long", "/always", "/down"].map(asked), [2, 2, 1, 3, 1]);
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let server = Server::start(|heard| match heard.header("if-none-match") {
            Some("W/\"7\"") => say(304, "etag: W/\"7\"\r\n", ""),
            _ => say(200, "etag: W/\"7\"\r\nlast-modified: Tue, 24 Nov 2026 10:00:00 GMT\r\n", "page"),
        });
        let page = server.url("/");
        let client = client(options(), &page);
        let first = client.get(&ask(&page)).unwrap().head;
        let again = Ask { etag: first.etag.as_deref(), last_modified: first.last_modified.as_deref(), ..ask(&page) };
        assert_eq!(client.get(&again).unwrap().head.status, 304);
        assert_eq!(server.heard()[1].header("if-modified-since"), Some("Tue, 24 Nov 2026 10:00:00 GMT"));
    }

    #[test]
    fn a_connection_that_was_closed_meanwhile_is_opened_again() {
        let count = AtomicUsize::new(0);
        let server = Server::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
            0 | 2 => say(200, "", "here"),
            _ => last(""),
        });
        let page = server.url("/");
        let client = client(options(), &page);
        assert_eq!(client.get(&ask(&page)).unwrap().body, b"here");
        assert_eq!(client.get(&ask(&page)).unwrap().body, b"here");
        assert_eq!(server.heard().len(), 3);
        assert!(matches!(client.get(&ask(&page)), Err(Trouble::Broken(_))));
    }

    #[tokio::test]
    async fn it_works_within_another_runtime_and_across_threads() {
        let server = Server::start(|_| say(200, "", "here"));
        let page = server.url("/");
        let client = client(options(), &page);
        assert_eq!(client.get(&ask(&page)).unwrap().body, b"here");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(client.get(&ask(&page)).unwrap().body, b"here"));
            }
        });
        // And so does a body that outlives its client.
        let (_, mut body) = client.open(&ask(&page)).unwrap();
        drop(client);
        let mut read = String::new();
        body.read_to_string(&mut read).unwrap();
        assert_eq!(read, "here");
    }
}
