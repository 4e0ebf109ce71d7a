//! Streams of events: so many, and none that keeps the server from ending.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;

use super::*;
use crate::http::tests::app;

/// One event, and then nothing for ever.
struct Events(bool);

impl HttpBody for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"data: hello\n\n")))))
    }
}

async fn follow(address: SocketAddr) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut head = String::new();
    while !head.contains("hello") && !head.contains("followed") {
        let mut bytes = [0; 1024];
        let read = timeout(Duration::from_secs(20), stream.read(&mut bytes)).await.unwrap().unwrap();
        assert!(read > 0, "{head}");
        head.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    (stream, head)
}

#[tokio::test]
async fn streams_are_few_give_their_place_back_and_end_with_the_server() {
    let (_app, seen) = watch::channel(Arc::new(app()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let events = async || ([(CONTENT_TYPE, "text/event-stream")], Body::new(Events(false)));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving =
        tokio::spawn(open(listener, Door::new(seen, true), Router::new().route("/events", get(events)), async {
            let _ = stopped.await;
        }));
    let mut followed = Vec::new();
    for _ in 0..STREAMS {
        let (stream, head) = follow(address).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        followed.push(stream);
    }
    let (_, head) = follow(address).await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    followed.pop();
    // That it is closed is heard of in a moment.
    let again = async {
        while follow(address).await.1.starts_with("HTTP/1.1 503") {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), again).await.expect("a place that is given back can be taken");
    let began = Instant::now();
    let _ = stop.send(());
    serving.await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
}
