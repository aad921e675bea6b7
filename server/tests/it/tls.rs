//! Own TLS, by a real client: certificates that are renewed, handshakes that never finish, and who is told to stay with it.

use std::{fs, path::Path, process::Command, time::Duration};

use reqwest::{Certificate, Client, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Listening, on_sqlite};

/// Something hangs that takes longer.
const PATIENCE: Duration = Duration::from_mins(1);
const HSTS: &str = "strict-transport-security";

/// A certificate for localhost and its key in a folder; the certificate as a client trusts it.
fn certify(folder: &Path) -> Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    fs::write(folder.join("tls.crt"), made.cert.pem()).unwrap();
    Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
}

fn section(folder: &Path, rest: &str) -> String {
    let folder = folder.display();
    format!("{{tls: {{cert: {folder}/tls.crt, key: {folder}/tls.key}}{rest}}}")
}

/// A client that trusts this certificate alone.
fn client(trusted: &Certificate) -> Client {
    Client::builder().tls_certs_only([trusted.clone()]).no_proxy().timeout(PATIENCE).build().unwrap()
}

fn url(server: &Listening, scheme: &str) -> String {
    format!("{scheme}://localhost:{}/api/v1/jobs", server.address.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_answered_by_tls_and_told_to_stay_with_it_and_a_renewed_certificate_is_taken_over() {
    on_sqlite(async |app| {
        let folder = tempfile::tempdir().unwrap();
        let first = certify(folder.path());
        let server = app.listen(&section(folder.path(), "")).await;
        let stays = client(&first);
        let answer = stays.get(url(&server, "https")).send().await.unwrap();
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, reqwest::Version::HTTP_11));
        assert_eq!(answer.headers()[HSTS], "max-age=31536000");
        assert!(answer.text().await.unwrap().contains("\"count\""));
        assert!(client(&first).get(url(&server, "http")).send().await.is_err(), "plain HTTP is not spoken");

        let second = certify(folder.path());
        assert!(client(&second).get(url(&server, "https")).send().await.is_err(), "the client checks nothing");
        let renewed = async {
            while client(&second).get(url(&server, "https")).send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(PATIENCE, renewed).await.expect("the new certificate is never used");
        // A connection that was there goes on with the certificate that it knows.
        assert_eq!(stays.get(url(&server, "https")).send().await.unwrap().status(), StatusCode::OK);
        assert!(client(&first).get(url(&server, "https")).send().await.is_err(), "the old one is still in use");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_never_finish_are_ended_and_take_no_seat_from_others() {
    on_sqlite(async |app| {
        let folder = tempfile::tempdir().unwrap();
        let trusted = certify(folder.path());
        let rest = ", header_timeout: 1s, max_connections: 5, max_connections_per_address: off";
        let server = app.listen(&section(folder.path(), rest)).await;
        let mut held = Vec::new();
        for half in [&b""[..], b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"].into_iter().cycle().take(60) {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(half).await.unwrap();
            held.push(stream);
        }
        let answer = client(&trusted).get(url(&server, "https")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        for mut stream in held {
            let mut rest = Vec::new();
            // Ended in one way or another.
            let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is held for ever");
        }
        assert_eq!(client(&trusted).get(url(&server, "https")).send().await.unwrap().status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_by_tls_to_a_trusted_proxy_is_told_to_stay_with_it_and_nobody_else() {
    on_sqlite(async |app| {
        let plain = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let ask = async |server: &Listening, scheme: &str| {
            let request = plain.get(url(server, "http")).header("x-forwarded-proto", scheme);
            let answer = request.header("x-forwarded-for", "203.0.113.9").send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            answer.headers().contains_key(HSTS)
        };
        let behind = app.listen("{trusted_proxies: [127.0.0.0/8]}").await;
        assert!(ask(&behind, "https").await && !ask(&behind, "http").await);
        let open = app.listen("{}").await;
        assert!(!ask(&open, "https").await, "anybody is believed");
    })
    .await;
}

#[test]
fn a_program_with_a_certificate_that_cannot_be_used_does_not_start_and_says_which_and_why() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    fs::write(folder.path().join("tls.crt"), "no certificate").unwrap();
    let file = folder.path().join("kubestats.yaml");
    let server = section(folder.path(), "");
    let data = folder.path().join("data");
    let text =
        format!("app: {{listen: '127.0.0.1:0', data_dir: {}, samples: never}}\nserver: {server}\n", data.display());
    fs::write(&file, text).unwrap();
    let program =
        Command::new(env!("CARGO_BIN_EXE_kubestats")).args(["serve", "--config"]).arg(&file).output().unwrap();
    assert!(!program.status.success());
    let said = String::from_utf8_lossy(&program.stderr);
    assert!(said.contains("server.tls.cert ") && said.contains("tls.crt: holds no certificate"), "{said}");
}
