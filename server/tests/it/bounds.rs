//! What one request may bring: bytes and number of its headers, its path, its body; and that others are answered meanwhile.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Listening, on_sqlite};

/// Something hangs that takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends bytes as they are; what is answered until the connection ends or rests.
async fn answer(server: &Listening, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // A server that refuses may have closed before all is sent.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = async {
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut piece).await {
            answer.extend_from_slice(&piece[..read]);
            if answer.windows(4).any(|end| end == b"\r\n\r\n") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("no answer");
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split_whitespace().nth(1).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_bounded_in_bytes_and_in_number_of_headers() {
    on_sqlite(async |app| {
        let server = app.listen("{}").await;
        let head = |headers: &str| format!("GET /api/health HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        let many = |number: usize| (0..number).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
        assert_eq!(status(&answer(&server, head(&many(90)).as_bytes()).await), "200");
        assert_eq!(status(&answer(&server, head(&many(200)).as_bytes()).await), "431");
        let large = |bytes: usize| format!("x-large: {}\r\n", "y".repeat(bytes));
        assert_eq!(status(&answer(&server, head(&large(30_000)).as_bytes()).await), "200");
        assert_eq!(status(&answer(&server, head(&large(200_000)).as_bytes()).await), "431");
        let path = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "p".repeat(200_000));
        assert!(["414", "431"].contains(&status(&answer(&server, path.as_bytes()).await)));
        assert_eq!(status(&answer(&server, head("").as_bytes()).await), "200", "others are answered");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_bounded_whether_their_length_is_told_or_not() {
    on_sqlite(async |app| {
        let server = app.listen("{}").await;
        // Whoever may not is refused before anything is read; here nobody has to be known.
        let post = "POST /sign-in HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n";
        let told = format!("{post}content-length: 100000000\r\n\r\nemail=");
        assert_eq!(status(&answer(&server, told.as_bytes()).await), "413", "refused before it is sent");
        let mut untold = format!("{post}transfer-encoding: chunked\r\n\r\n").into_bytes();
        for _ in 0..40 {
            untold.extend_from_slice(format!("4000\r\n{}\r\n", "a".repeat(0x4000)).as_bytes());
        }
        untold.extend_from_slice(b"0\r\n\r\n");
        assert_eq!(status(&answer(&server, &untold).await), "413");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_before_what_it_is_about_is_here_but_webhooks_that_nobody_waits_for() {
    const WHILE: Duration = Duration::from_millis(300);
    on_sqlite(async |app| {
        let server = app.listen("{}").await;
        let half = |path: &str| format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 6\r\n\r\n{{\"a");
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(half("/api/nowhere").as_bytes()).await.unwrap();
        let mut piece = [0; 4096];
        assert!(
            tokio::time::timeout(WHILE, stream.read(&mut piece)).await.is_err(),
            "answered before it was all there"
        );
        stream.write_all(b"\":1").await.unwrap();
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut piece)).await.unwrap().unwrap();
        assert_eq!(status(&String::from_utf8_lossy(&piece[..read])), "404");
        let webhook = half(&format!("/webhooks/github/{}", uuid::Uuid::nil()));
        assert_eq!(status(&answer(&server, webhook.as_bytes()).await), "404", "nobody is listened to there");
    })
    .await;
}
