//! Where one message ends and the next begins, on one connection: what contradicts itself is refused, and nothing that stands
//! inside of a message is ever answered as one of its own. Verbs that nothing answers are refused too, and say nothing again.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Listening, on_sqlite};

/// Something hangs that takes longer.
const PATIENCE: Duration = Duration::from_mins(1);
/// Stands where whoever mistakes the end of a message would take it for the next one.
const HIDDEN: &str = "GET /api/v1/hidden HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// Comes last, and ends the connection.
const LAST: &str = "GET /api/v1/last HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const POST: &str = "POST /api/v1/auth/refresh HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
/// Nobody has to sign in to be told with 401 that this does not work, once all of it was read.
const BODY: &str = r#"{"refresh_token":"x"}"#;

#[derive(Debug)]
struct Answer {
    status: u16,
    text: String,
}

/// Sends all at once; everything that is answered until the server ends the connection.
async fn answers(server: &Listening, sent: &str) -> Vec<Answer> {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let read = async {
        let mut piece = [0; 4096];
        // A server that refuses may reset what it does not read.
        while let Ok(read @ 1..) = stream.read(&mut piece).await {
            bytes.extend_from_slice(&piece[..read]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("the connection never ends: {sent:?}"));
    let (mut rest, mut all) = (bytes.as_slice(), Vec::new());
    while let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&rest[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        let whole = (end + 4 + length).min(rest.len());
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        all.push(Answer { status, text: String::from_utf8_lossy(&rest[..whole]).into_owned() });
        rest = &rest[whole..];
    }
    assert!(rest.is_empty(), "no whole answer: {}", String::from_utf8_lossy(rest));
    for answer in &all {
        assert!(!answer.text.contains("/api/v1/hidden"), "what was hidden is answered: {sent:?}: {all:?}");
    }
    all
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

/// Refused with one answer, after which the connection ends.
async fn is_refused(server: &Listening, sent: &str) {
    let found = answers(server, sent).await;
    assert_eq!(statuses(&found), [400], "{sent:?}: {found:?}");
}

/// The body in one piece, as `transfer-encoding: chunked` has it.
fn chunked() -> String {
    format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_contradict_themselves_are_refused_and_nothing_behind_them_is_answered() {
    on_sqlite(async |app| {
        let server = app.listen("{}").await;
        let length = BODY.len();
        for headers in [
            // Lengths that differ, or are none.
            format!("content-length: {length}\r\ncontent-length: 5\r\n"),
            format!("content-length: 5\r\ncontent-length: {length}\r\n"),
            format!("content-length: {length}, {length}\r\n"),
            format!("content-length: {length}, 5\r\n"),
            format!("content-length: +{length}\r\n"),
            format!("content-length: -{length}\r\n"),
            format!("content-length: 0x{length:x}\r\n"),
            format!("content-length: {length}a\r\n"),
            "content-length: 2 1\r\n".to_owned(),
            "content-length:\r\n".to_owned(),
            "content-length: 99999999999999999999999\r\n".to_owned(),
            // Codings after which nobody knows where the body ends.
            "transfer-encoding: identity\r\n".to_owned(),
            "transfer-encoding: gzip\r\n".to_owned(),
            "transfer-encoding: xchunked\r\n".to_owned(),
            "transfer-encoding: chunked, identity\r\n".to_owned(),
            "transfer-encoding: chunked;q=1\r\n".to_owned(),
            "transfer-encoding: \u{b}chunked\r\n".to_owned(),
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".to_owned(),
            format!("transfer-encoding: gzip\r\ncontent-length: {length}\r\n"),
            // Names that others read as the same.
            "transfer-encoding : chunked\r\n".to_owned(),
            "transfer-encoding\t: chunked\r\n".to_owned(),
            format!("content-length : {length}\r\n"),
            format!(" content-length: {length}\r\n"),
            ": chunked\r\n".to_owned(),
            "chunked\r\n".to_owned(),
            // Values that go on in the next line, or hold what ends a line or a text elsewhere.
            "x-note: a\r\n b\r\n".to_owned(),
            "x-note: a\r\n\tb\r\n".to_owned(),
            "transfer-encoding:\r\n chunked\r\n".to_owned(),
            format!("x-note: a\rcontent-length: {length}\r\n"),
            "x-note: a\0b\r\n".to_owned(),
            "x-no\0te: a\r\n".to_owned(),
        ] {
            is_refused(&server, &format!("{POST}{headers}\r\n{BODY}{HIDDEN}{LAST}")).await;
        }
        for head in [
            "POST /api/v1/auth/refresh HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n",
            "GET  /api/v1/first HTTP/1.1\r\nhost: localhost\r\n",
            "GET /api/v1/first  HTTP/1.1\r\nhost: localhost\r\n",
            "GET /api/v1/first HTTP/1.1 \r\nhost: localhost\r\n",
            "GET /api/v1/fir\0st HTTP/1.1\r\nhost: localhost\r\n",
            "GET /api/v1/first\tHTTP/1.1\r\nhost: localhost\r\n",
            "GET /api/v1/first HTTP/1.2\r\nhost: localhost\r\n",
            "GET /api/v1/first HTTP/2.0\r\nhost: localhost\r\n",
            "GET /api/v1/first\r\nhost: localhost\r\n",
            "G@T /api/v1/first HTTP/1.1\r\nhost: localhost\r\n",
            "GET /api/v1/first HTTP/1.1\r\n host: localhost\r\n",
        ] {
            is_refused(&server, &format!("{head}\r\n{HIDDEN}{LAST}")).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_in_pieces_of_a_wrong_size_are_refused_and_nothing_behind_them_is_answered() {
    on_sqlite(async |app| {
        let server = app.listen("{}").await;
        let size = format!("{:x}", BODY.len());
        for pieces in [
            format!("zz\r\n{BODY}\r\n0\r\n\r\n"),
            format!("-{size}\r\n{BODY}\r\n0\r\n\r\n"),
            format!("+{size}\r\n{BODY}\r\n0\r\n\r\n"),
            format!("0x{size}\r\n{BODY}\r\n0\r\n\r\n"),
            format!(" {size}\r\n{BODY}\r\n0\r\n\r\n"),
            format!("{size} 5\r\n{BODY}\r\n0\r\n\r\n"),
            format!("\r\n{BODY}\r\n0\r\n\r\n"),
            format!("fffffffffffffffff\r\n{BODY}\r\n0\r\n\r\n"),
            // Larger and smaller than what comes.
            format!("40\r\n{BODY}\r\n0\r\n\r\n"),
            format!("5\r\n{BODY}\r\n0\r\n\r\n"),
            // Ends of lines that are none.
            format!("{size}\n{BODY}\r\n0\r\n\r\n"),
            format!("{size};a\n{BODY}\r\n0\r\n\r\n"),
            format!("{size}\r\n{BODY}\n0\r\n\r\n"),
            format!("{size}\r\n{BODY}0\r\n\r\n"),
            // What follows is no end of a body, nor trailers.
            format!("{size}\r\n{BODY}\r\n0\r\n"),
            format!("{size}\r\n{BODY}\r\n0\r\nx: \0\r\n\r\n"),
        ] {
            is_refused(&server, &format!("{POST}transfer-encoding: chunked\r\n\r\n{pieces}{HIDDEN}{LAST}")).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_ends_in_one_place_whatever_else_it_says() {
    on_sqlite(async |app| {
        let server = app.listen("{}").await;
        let (length, chunked) = (BODY.len(), chunked());
        let beyond = chunked.len() + HIDDEN.len();
        let (whole, ends): (&[u16], &[u16]) = (&[401, 404], &[401]);
        for (sent, expected) in [
            (format!("{POST}content-length: {length}\r\n\r\n{BODY}"), whole),
            (format!("{POST}content-length: {length}\r\ncontent-length: {length}\r\n\r\n{BODY}"), whole),
            (format!("{POST}Transfer-Encoding: Chunked\r\n\r\n{chunked}"), whole),
            (format!("{POST}transfer-encoding: identity, chunked\r\n\r\n{chunked}"), whole),
            (format!("{POST}transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"), whole),
            (format!("{POST}transfer-encoding: chunked\r\n\r\n{length:x};a=b\r\n{BODY}\r\n0\r\n\r\n"), whole),
            // What comes behind a body says nothing about it.
            (
                format!(
                    "{POST}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{BODY}\r\n0\r\ncontent-length: {beyond}\r\n\r\n"
                ),
                whole,
            ),
            // A line feed ends a line like any other, so that nothing can be written behind it unseen.
            (format!("{}content-length: {length}\n\n{BODY}", POST.replace("\r\n", "\n")), whole),
            (format!("{POST}x-note: a\ncontent-length: {length}\r\n\r\n{BODY}"), whole),
            // Of two ways to say where it ends the pieces count, and nobody is trusted to go on.
            (format!("{POST}content-length: {beyond}\r\ntransfer-encoding: chunked\r\n\r\n{chunked}{HIDDEN}"), ends),
            (format!("{POST}transfer-encoding: chunked\r\ncontent-length: {beyond}\r\n\r\n{chunked}{HIDDEN}"), ends),
            (format!("{POST}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n{chunked}{HIDDEN}"), ends),
            (format!("{}content-length: {length}\r\n\r\n{BODY}{HIDDEN}", POST.replace("/1.1", "/1.0")), ends),
        ] {
            let found = answers(&server, &format!("{sent}{LAST}")).await;
            assert_eq!(statuses(&found), expected, "{sent:?}: {found:?}");
            assert!(found[0].text.contains("refresh token"), "{sent:?}: {found:?}");
            assert!(found.get(1).is_none_or(|last| last.text.contains("/api/v1/last")), "{sent:?}: {found:?}");
        }
        // What nobody reads is passed over, or ends the connection.
        let unread = format!(
            "GET /api/v1/first HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{HIDDEN}{LAST}",
            HIDDEN.len()
        );
        let found = answers(&server, &unread).await;
        assert!(found[0].status == 404 && found[0].text.contains("/api/v1/first"), "{found:?}");
        assert!(found.len() < 3 && found.get(1).is_none_or(|last| last.text.contains("/api/v1/last")), "{found:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_two_names_of_which_one_is_not_ours_is_not_answered() {
    on_sqlite(async |app| {
        let server = app.listen("{}").await;
        for head in [
            "GET http://evil.example/api/v1/jobs HTTP/1.1\r\nhost: localhost\r\n",
            "GET http://localhost/api/v1/jobs HTTP/1.1\r\nhost: evil.example\r\n",
            "GET /api/v1/jobs HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n",
            "GET /api/v1/jobs HTTP/1.1\r\nhost: evil.example\r\nhost: localhost\r\n",
            "CONNECT evil.example:443 HTTP/1.1\r\nhost: localhost\r\n",
        ] {
            let found = answers(&server, &format!("{head}\r\n{LAST}")).await;
            assert_eq!(statuses(&found), [421, 404], "{head:?}: {found:?}");
        }
        let ours = format!("GET http://localhost/api/v1/jobs HTTP/1.1\r\nhost: localhost\r\n\r\n{LAST}");
        assert_eq!(statuses(&answers(&server, &ours).await), [200, 404]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_that_nothing_answers_are_refused_and_nothing_of_the_request_is_said_again() {
    const MARK: &str = "5f0c2a9d7e";
    on_sqlite(async |app| {
        let server = app.listen("{}").await;
        let head = |verb: &str, path: &str| {
            format!("{verb} {path} HTTP/1.1\r\nhost: localhost\r\nx-secret: {MARK}\r\ncookie: kubestats={MARK}\r\n\r\n{LAST}")
        };
        for verb in ["TRACE", "TRACK", "CONNECT", "OPTIONS", "PROPFIND", "DEBUG", "PURGE", "get"] {
            for (path, expected) in [
                ("/", 405),
                ("/repositories", 405),
                ("/sign-in", 405),
                ("/docs/", 405),
                ("/metrics", 405),
                ("/health", 405),
                ("/api/v1/jobs", 405),
                ("/api/v1/nothing", 404),
                ("/nothing", 404),
                ("/favicon.svg", 404),
            ] {
                let found = answers(&server, &head(verb, path)).await;
                assert_eq!(statuses(&found), [expected, 404], "{verb} {path}: {found:?}");
                assert!(!found[0].text.contains(MARK), "{verb} {path} says again what was sent: {found:?}");
            }
        }
        // There is no way through to another machine, nor back to ourselves.
        let found = answers(&server, &head("CONNECT", "localhost:80")).await;
        assert_eq!(found[0].status, 404, "{found:?}");
        // And no header makes another verb of one.
        for (verb, name, expected) in
            [("GET", "x-http-method-override", 200), ("GET", "x-method-override", 200), ("POST", "x-http-method", 405)]
        {
            let sent = format!("{verb} /api/v1/jobs HTTP/1.1\r\nhost: localhost\r\n{name}: DELETE\r\n\r\n{LAST}");
            let found = answers(&server, &sent).await;
            assert_eq!(statuses(&found), [expected, 404], "{verb} as {name}: {found:?}");
        }
    })
    .await;
}
