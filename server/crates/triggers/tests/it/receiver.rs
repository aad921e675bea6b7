//! A program that takes requests and answers with the bytes it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How it behaves once it has read a request.
#[derive(Clone)]
pub enum Manner {
    Answers(String),
    /// Says nothing, and keeps the line.
    Hangs,
    /// Reads nothing, and hangs up.
    Closes,
    /// These bytes, then hangs up.
    Breaks(&'static str),
    /// These bytes, then nothing, for ever.
    Stalls(&'static str),
    /// A body without end.
    Endless,
}

pub struct Receiver {
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    pub async fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(attend(stream, manner.clone(), Arc::clone(&kept)));
            }
        });
        Self { url, requests }
    }

    /// One that answers a status, with headers and a body.
    pub async fn answering(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
        Self::new(Manner::Answers(text)).await
    }

    /// Everything it was sent, as it came.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn attend(mut stream: TcpStream, manner: Manner, kept: Arc<Mutex<Vec<String>>>) {
    if matches!(manner, Manner::Closes) {
        return;
    }
    let request = read(&mut stream).await;
    kept.lock().unwrap().push(request);
    match manner {
        Manner::Answers(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Manner::Breaks(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Manner::Stalls(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
            tokio::time::sleep(Duration::from_mins(10)).await;
        }
        Manner::Endless => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            let chunk = format!("400\r\n{}\r\n", "y".repeat(0x400));
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
        }
        Manner::Hangs => tokio::time::sleep(Duration::from_mins(10)).await,
        Manner::Closes => {}
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or_default() {
                return text;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(read @ 1..) => bytes.extend_from_slice(&buffer[..read]),
            _ => return text,
        }
    }
}
