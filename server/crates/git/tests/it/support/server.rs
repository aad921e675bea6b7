//! An HTTP server on a port of its own: `git http-backend` behind it, or whatever a test makes it answer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn is_fetch(&self) -> bool {
        self.method == "POST" && String::from_utf8_lossy(&self.body).contains("command=fetch")
    }
}

pub struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    pub requests: Arc<AtomicUsize>,
}

impl Server {
    /// Answers each request as the closure does. One thread per connection, one request per connection.
    pub fn start(answer: impl Fn(Request, TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, requests) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (their_stop, their_requests) = (stop.clone(), requests.clone());
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if their_stop.load(Ordering::Relaxed) {
                    break;
                }
                let (Ok(stream), answer, requests) = (stream, answer.clone(), their_requests.clone()) else {
                    continue;
                };
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(10))).ok();
                    if let Some(request) = read_request(&stream) {
                        requests.fetch_add(1, Ordering::Relaxed);
                        answer(request, stream);
                    }
                });
            }
        });
        Self { address, stop, requests }
    }

    /// The repositories under `root`.
    pub fn git(root: &Path) -> Self {
        let root = root.to_owned();
        Self::start(move |request, stream| serve_git(&root, &request, stream))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => break,
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut request = Request { method, path, query, headers, body: Vec::new() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// What `git http-backend` says to a request: status line, headers and body.
pub fn ask_git(root: &Path, request: &Request) -> Vec<u8> {
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("PATH_INFO", &request.path)
        .env("QUERY_STRING", &request.query)
        .env("REQUEST_METHOD", &request.method)
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("HTTP_GIT_PROTOCOL", request.header("git-protocol").unwrap_or_default())
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let body = request.body.clone();
    let writer = std::thread::spawn(move || input.write_all(&body).ok());
    let mut output = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
    child.wait().unwrap();
    writer.join().unwrap();
    let status = output
        .strip_prefix(b"Status: ")
        .and_then(|rest| rest.iter().position(|byte| *byte == b'\r').map(|end| rest[..end].to_vec()))
        .unwrap_or_else(|| b"200 OK".to_vec());
    let mut answer = b"HTTP/1.1 ".to_vec();
    answer.extend(status);
    answer.extend(b"\r\nConnection: close\r\n");
    answer.extend(output);
    answer
}

pub fn serve_git(root: &Path, request: &Request, mut stream: TcpStream) {
    let _ = stream.write_all(&ask_git(root, request));
}

/// Serves repositories honestly but for the pack, which `spoil` gets before it is sent.
pub fn spoiling_the_pack(root: PathBuf, spoil: impl Fn(Vec<u8>, TcpStream) + Send + Sync + 'static) -> Server {
    Server::start(move |request, stream| {
        if request.is_fetch() { spoil(ask_git(&root, &request), stream) } else { serve_git(&root, &request, stream) }
    })
}

pub fn answer(mut stream: TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}
