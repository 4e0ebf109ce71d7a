//! A server on loopback that does with each request what a test says, down to the bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use url::Url;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// As in its first line.
    pub(super) target: String,
    /// `name: value`, names in lower case.
    pub(super) headers: Vec<String>,
}

impl Heard {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Writes an answer; whether the connection goes on.
pub(super) type Act = Box<dyn FnOnce(&mut dyn Stream) -> bool>;

pub(super) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A whole answer.
pub(super) fn say(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    text.extend_from_slice(body);
    Box::new(move |stream| stream.write_all(&text).is_ok())
}

/// A redirect.
pub(super) fn send_to(location: &str) -> Act {
    say(302, &format!("location: {location}\r\n"), "")
}

/// Bytes, and the end of the connection.
pub(super) fn last(bytes: impl AsRef<[u8]>) -> Act {
    let bytes = bytes.as_ref().to_vec();
    Box::new(move |stream| {
        let _ = stream.write_all(&bytes);
        false
    })
}

/// Bytes, and then nothing until the client has gone.
pub(super) fn stall(bytes: &str) -> Act {
    let bytes = bytes.to_owned();
    Box::new(move |stream| {
        let _ = stream.write_all(bytes.as_bytes());
        while matches!(stream.read(&mut [0]), Err(error) if is_early(&error)) {}
        false
    })
}

/// The head of a long body, and then a byte every 20 ms, until the client has gone.
pub(super) fn drip() -> Act {
    Box::new(move |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 1000000\r\n\r\n");
        while matches!(stream.read(&mut [0]), Err(error) if is_early(&error)) && stream.write_all(b"x").is_ok() {}
        false
    })
}

/// The head and then the same bytes again and again, until the client has gone or has had enough of them.
pub(super) fn repeat(head: &str, first: Vec<u8>, block: Vec<u8>, times: usize) -> Act {
    let head = head.to_owned();
    Box::new(move |stream| {
        let begun = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&first)).is_ok();
        let _ = begun && (0..times).all(|_| stream.write_all(&block).is_ok());
        false
    })
}

fn is_early(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// The server; it serves as long as the process lives.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    scheme: &'static str,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Server {
    pub(super) fn start(act: impl Fn(&Heard) -> Act + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", None, act)
    }

    pub(super) fn start_at(
        address: &str,
        tls: Option<Arc<ServerConfig>>,
        act: impl Fn(&Heard) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, act) = (Arc::<Mutex<Vec<Heard>>>::default(), Arc::new(act));
        let all = Arc::clone(&heard);
        let scheme = if tls.is_some() { "https" } else { "http" };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tls, all, act) = (tls.clone(), Arc::clone(&all), Arc::clone(&act));
                thread::spawn(move || serve(&stream, tls, &all, &*act));
            }
        });
        Self { address, scheme, heard }
    }

    /// A url here.
    pub(super) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}://{}{path}", self.scheme, self.address)).unwrap()
    }

    /// All requests so far.
    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    pub(super) fn targets(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.target).collect()
    }
}

fn serve(stream: &TcpStream, tls: Option<Arc<ServerConfig>>, all: &Mutex<Vec<Heard>>, act: &dyn Fn(&Heard) -> Act) {
    stream.set_nodelay(true).unwrap();
    match tls {
        None => converse(stream.try_clone().unwrap(), stream.try_clone().unwrap(), stream, all, act),
        Some(config) => {
            let mut connection = ServerConnection::new(config).unwrap();
            let mut raw = stream.try_clone().unwrap();
            while connection.is_handshaking() {
                if connection.complete_io(&mut raw).is_err() {
                    return;
                }
            }
            let tls = Shared(Arc::new(Mutex::new(StreamOwned::new(connection, raw))));
            converse(tls.clone(), tls, stream, all, act);
        }
    }
}

fn converse(
    reader: impl Read,
    mut writer: impl Stream,
    raw: &TcpStream,
    all: &Mutex<Vec<Heard>>,
    act: &dyn Fn(&Heard) -> Act,
) {
    let mut reader = BufReader::new(reader);
    loop {
        raw.set_read_timeout(None).unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(read) if read > 0 => {}
                _ => return,
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let target = lines.remove(0).split(' ').nth(1).unwrap_or_default().to_owned();
        let lower = |line: String| match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
            None => line,
        };
        let heard = Heard { target, headers: lines.into_iter().map(lower).collect() };
        all.lock().unwrap().push(heard.clone());
        raw.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        if !act(&heard)(&mut writer) {
            let _ = writer.flush();
            let _ = raw.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}

/// A TLS stream for reading and writing by turns.
#[derive(Clone)]
struct Shared(Arc<Mutex<StreamOwned<ServerConnection, TcpStream>>>);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().read(buffer)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().unwrap().flush()
    }
}
