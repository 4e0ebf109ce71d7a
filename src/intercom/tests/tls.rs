//! TLS with a certificate authority of one's own. The certificates are made by the `openssl` command, for none that
//! lasts belongs into a repository; where it is missing the test says so and ends.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

/// Makes `ca.pem`, and `server.pem` with its key, for 127.0.0.1. `false` without `openssl`.
fn certificates(folder: &Path) -> bool {
    std::fs::write(folder.join("ext"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for arguments in [
        format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=ca -addext basicConstraints=critical,CA:TRUE"
        ),
        format!("req {key} -keyout server.key -out server.csr -subj /CN=server"),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile ext -out server.pem".into(),
    ] {
        let Ok(output) = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output() else {
            return false;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    true
}

/// Answers every request with one page, over TLS.
fn serve(folder: &Path) -> SocketAddr {
    let chain = vec![CertificateDer::from_pem_file(folder.join("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut head = [0; 4096];
            if stream.read(&mut head).is_ok() {
                let text = answer(200, "connection: close\r\n", &page_json("19").to_string());
                let _ = stream.write_all(text.as_bytes());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    address
}

#[tokio::test]
async fn a_server_is_trusted_by_the_ca_file_and_without_it_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    if !certificates(folder.path()) {
        writeln!(std::io::stderr(), "skipped: TLS was not tried, there is no `openssl` command here").unwrap();
        return;
    }
    let base = options(&format!("https://{}", serve(folder.path())));
    let trusting = IntercomOptions { ca_file: Some(folder.path().join("ca.pem")), ..base.clone() };
    let client = Intercom::with_limits(trusting, limits()).unwrap();
    assert_eq!(client.page(&PageId::new("19")).await.unwrap().id.as_str(), "19");

    let client = Intercom::with_limits(base, limits()).unwrap();
    let error = client.page(&PageId::new("19")).await.unwrap_err();
    assert!(matches!(&error, RemoteError::Refused { message } if message.contains("ca_file")), "{error:?}");
    assert_eq!(client.traffic().requests, 1);
}
