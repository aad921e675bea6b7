//! A mail server that others wrote: `aiosmtpd` of PyPI.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// What is installed, pinned.
const WANTED: &str = include_str!("../../../../.ci/smtp.txt");
/// Everything that is waited for happens by then, or hangs.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Ends with the test.
pub struct Smtp {
    program: Child,
    /// What is asked here is said again among what it tells.
    asked: ChildStdin,
    marks: AtomicU64,
    pub port: u16,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Drop for Smtp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Smtp {
    /// Listens in clear, at any port. `None`, loudly, where there is no Python or nothing can be installed.
    pub async fn start() -> Option<Self> {
        Self::with(json!({})).await
    }

    pub async fn with(options: Value) -> Option<Self> {
        let python = tokio::task::spawn_blocking(|| standin::python::environment("smtp", WANTED)).await.unwrap();
        let python = match python {
            Ok(python) => python,
            Err(why) => {
                println!("SKIPPED: no real mail server: {why}");
                return None;
            }
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mail/server.py");
        let mut program = Command::new(python)
            .arg("-B")
            .arg(script)
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let asked = program.stdin.take().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let mut smtp = Self { program, asked, marks: AtomicU64::new(0), port: 0, told: Arc::clone(&told) };
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                told.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let first = smtp.told_with("port").await;
        smtp.port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        Some(smtp)
    }

    /// What it told first with this key.
    pub async fn told_with(&self, key: &str) -> Value {
        self.first(key, |told| told.get(key).is_some()).await
    }

    /// The first of what it told that is looked for, which may still be on its way here.
    async fn first(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            if let Some(found) = self.told.lock().unwrap().iter().find(|told| is_it(told)) {
                return found.clone();
            }
            assert!(began.elapsed() < PATIENCE, "the mail server tells of no {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The mails that it took until now, all of them and no other: it tells of each before it answers who sent it, and what
    /// it tells comes in order. So whatever was sent before this is here once a mark is that goes the same way.
    pub async fn mails(&self) -> Vec<Mail> {
        let mark = self.marks.fetch_add(1, Ordering::Relaxed);
        writeln!(&self.asked, "{mark}").unwrap();
        self.first("mark", |told| told["mark"] == mark).await;
        let told = self.told.lock().unwrap();
        told.iter().filter(|told| told.get("to").is_some()).cloned().map(Mail).collect()
    }

    /// Its only mail, which another process may still be sending.
    pub async fn mail(&self) -> Mail {
        self.told_with("to").await;
        let mut mails = self.mails().await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.remove(0)
    }
}

/// A mail as the server took it.
#[derive(Debug)]
pub struct Mail(Value);

impl Mail {
    pub fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap()
    }

    pub fn is(&self, key: &str) -> bool {
        self.0[key].as_bool().unwrap()
    }

    pub fn to(&self) -> Vec<&str> {
        self.0["to"].as_array().unwrap().iter().map(|to| to.as_str().unwrap()).collect()
    }

    /// Values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let headers = self.0["headers"].as_array().unwrap().iter();
        let named = headers.filter(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
        named.map(|header| header[1].as_str().unwrap()).collect()
    }

    /// The path of its link.
    pub fn link(&self) -> String {
        let (_, rest) = self.text("text").split_once("/welcome/").unwrap_or_else(|| panic!("no link in {self:?}"));
        format!("/welcome/{}", rest.split_whitespace().next().unwrap())
    }
}
