//! Own TLS, by a real client: certificates that are renewed, handshakes that never finish, who is told to stay with it, and which
//! versions and ciphers are spoken.

use std::{fs, path::Path, process::Command, sync::Arc, time::Duration};

use reqwest::{Certificate, Client, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
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

/// Numbers of two bytes, one after the other.
fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// What follows its own length, which takes so many bytes.
fn sized(bytes: usize, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[4 - bytes..], content].concat()
}

/// The first message of a client: its newest version by the old field, by the newer one where that is given, and its ciphers.
fn hello(version: u16, newer: &[u16], suites: &[u16]) -> Vec<u8> {
    let extension = |kind: u16, content: Vec<u8>| [numbers(&[kind]), sized(2, &content)].concat();
    let mut extensions = vec![
        // x25519 and P-256, of which points are written whole.
        extension(10, sized(2, &numbers(&[0x001d, 0x0017]))),
        extension(11, sized(1, &[0])),
        // Signatures by ECDSA over P-256, and by RSA.
        extension(13, sized(2, &numbers(&[0x0403, 0x0804, 0x0401]))),
        extension(23, Vec::new()),
    ];
    if !newer.is_empty() {
        extensions.push(extension(43, sized(1, &numbers(newer))));
    }
    let body = [
        numbers(&[version]),
        vec![7; 32],
        sized(1, &[]),
        sized(2, &numbers(suites)),
        sized(1, &[0]),
        sized(2, &extensions.concat()),
    ];
    let message = [vec![1], sized(3, &body.concat())].concat();
    [vec![22, 3, 1], sized(2, &message)].concat()
}

/// What a client that says this hears first: the server's choice of version and cipher, or why there is none.
async fn heard(server: &Listening, hello: &[u8]) -> Result<(u16, u16), u8> {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(hello).await.unwrap();
    let mut head = [0; 5];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut head)).await.expect("no answer").unwrap();
    let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut record).await.unwrap();
    let number = |at: usize| u16::from_be_bytes([record[at], record[at + 1]]);
    match (head[0], record[0]) {
        // Fatal, and the connection ends.
        (21, 2) => {
            let rest = tokio::time::timeout(PATIENCE, stream.read(&mut head)).await.expect("it goes on");
            assert!(matches!(rest, Ok(0) | Err(_)), "{rest:?}");
            Err(record[1])
        }
        // Behind the version and 32 random bytes stands the session's name.
        (22, 2) => Ok((number(4), number(39 + usize::from(record[38])))),
        other => panic!("{other:?}: {record:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn older_versions_and_weak_ciphers_are_refused() {
    const PROTOCOL_VERSION: u8 = 70;
    const HANDSHAKE_FAILURE: u8 = 40;
    /// ECDHE with ECDSA and AES-128-GCM.
    const GOOD: u16 = 0xc02b;
    on_sqlite(async |app| {
        let folder = tempfile::tempdir().unwrap();
        let trusted = certify(folder.path());
        let server = app.listen(&section(folder.path(), "")).await;
        let old: [(u16, &[u16]); 5] =
            [(0x0300, &[]), (0x0301, &[]), (0x0302, &[]), (0x0303, &[0x0302, 0x0301]), (0x0301, &[0x0302])];
        for (version, newer) in old {
            let found = heard(&server, &hello(version, newer, &[GOOD])).await;
            assert_eq!(found, Err(PROTOCOL_VERSION), "{version:x} {newer:x?}");
        }
        let weak = [
            // Without encryption, by exported keys, RC4, DES and Triple-DES.
            0x0001, 0x0002, 0x003b, 0xc006, 0x0003, 0x0008, 0x0004, 0x0005, 0xc007, 0x0009, 0x000a, 0xc008,
            // Whoever gets the key later reads what was said: RSA and static Diffie-Hellman, with AES-GCM too.
            0x002f, 0x0035, 0x003c, 0x009c, 0x009d, 0xc004, 0xc02d,
            // Nobody proves who they are, and a secret that both know.
            0x0034, 0xc018, 0x008c, 0x00a8,
            // CBC, whose padding tells of what it pads, and Diffie-Hellman over the numbers of whoever offers them.
            0xc009, 0xc00a, 0xc023, 0xc024, 0xc013, 0xc027, 0x0033, 0x009e,
        ];
        assert_eq!(heard(&server, &hello(0x0303, &[], &weak)).await, Err(HANDSHAKE_FAILURE));
        for suite in weak {
            assert_eq!(heard(&server, &hello(0x0303, &[], &[suite])).await, Err(HANDSHAKE_FAILURE), "{suite:04x}");
        }
        // The same words with a good one among them are understood, so that it was for nothing else that they were refused.
        let mixed = [&weak[..], &[GOOD]].concat();
        for newer in [&[][..], &[0x0303, 0x0302]] {
            assert_eq!(heard(&server, &hello(0x0303, newer, &mixed)).await, Ok((0x0303, GOOD)));
        }
        let answer = client(&trusted).get(url(&server, "https")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "others are answered");
    })
    .await;
}

/// What a client that speaks this version alone agrees on with the server.
async fn agreed(
    server: &Listening,
    folder: &Path,
    version: &'static SupportedProtocolVersion,
) -> (ProtocolVersion, String) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("tls.crt")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_protocol_versions(&[version]).unwrap().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.write_all(b"GET /api/v1/jobs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the answer never ends");
    assert!(read.is_ok(), "the end of the answer is not vouched for: {read:?}");
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    let (_, connection) = stream.get_ref();
    let suite = connection.negotiated_cipher_suite().unwrap().suite();
    (connection.protocol_version().unwrap(), format!("{suite:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_two_versions_of_today_are_spoken_with_ciphers_that_also_prove_what_they_hide() {
    on_sqlite(async |app| {
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path());
        let server = app.listen(&section(folder.path(), "")).await;
        for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
            let (spoken, suite) = agreed(&server, folder.path(), version).await;
            assert_eq!(spoken, expected);
            assert!(suite.contains("GCM") || suite.contains("CHACHA20_POLY1305"), "{suite}");
            assert!(suite.starts_with("TLS13_") || suite.starts_with("TLS_ECDHE_"), "{suite}");
        }
    })
    .await;
}
