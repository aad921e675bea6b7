//! Commands that RepoSentry's users know.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Output};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use standin::{Generator, Limits, Options, Standin};

use super::program;
use crate::jobs::repository::Origins;
use crate::support::{Program, RepositoryBuilder, TestApp, on_each_engine, on_sqlite};

/// Runs a command in a folder that has a configuration, where one is given.
fn run_in(folder: &Path, config: &str, arguments: &[&str]) -> Output {
    if !config.is_empty() {
        std::fs::write(folder.join("kubestats.yaml"), config).unwrap();
    }
    let mut command = program(arguments);
    command.current_dir(folder).env_remove("GITHUB_TOKEN").env("LAB_TOKEN", "secret-of-lab");
    command.output().unwrap()
}

fn run(config: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let Output { status, stdout, stderr } = run_in(folder.path(), config, arguments);
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn what_something_else_does_here_is_said_and_is_no_success() {
    for arguments in [
        &["daemon"][..],
        &["daemon", "start", "-c", "config.yaml", "--pid-file", "/run/x.pid"],
        &["daemon", "stop", "--pid-file", "/run/x.pid"],
        &["run", "--daemon"],
    ] {
        let (code, _, said) = run("", arguments);
        assert!(code == Some(2) && said.contains("deploy/kubestats.service"), "{arguments:?}: {said}");
    }
    for arguments in [&["log", "stats"][..], &["log", "rotate", "--config", "x"]] {
        let (code, _, said) = run("", arguments);
        assert!(code == Some(2) && said.contains("journalctl"), "{arguments:?}: {said}");
    }
}

#[test]
fn run_is_serve_with_other_flags() {
    let config =
        "storage: {type: postgres, postgres: {url: 'postgres://a@127.0.0.1:1/x'}}\napp: {listen: '127.0.0.1:1'}";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yaml"), config).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let arguments = [
        "run",
        "-c",
        "config.yaml",
        "-l",
        "error",
        "--log-format",
        "json",
        "--log-file",
        "x.log",
        "--health-port",
        &port,
    ];
    let output = run_in(folder.path(), "", &arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    // The port of the flag is the one that it tries, and that is taken.
    assert!(!output.status.success() && said.contains(&format!("127.0.0.1:{port} cannot be listened on")), "{said}");
    assert!(said.contains("--log-file x.log: not written") && !folder.path().join("x.log").exists(), "{said}");
    let wrong = run_in(folder.path(), "", &["run", "-c", "config.yaml", "-l", "[[", "--health-port", &port]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("is no level of a log"));
}

#[test]
fn versions_are_told_in_reposentrys_words() {
    let (code, told, _) = run("", &["version", "-o", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["version"]), (Some(0), &env!("CARGO_PKG_VERSION").into()));
    assert!(told["build_time"].is_string() && told["git_commit"].is_string(), "{told}");
    assert_eq!(run("", &["version", "--output", "text"]).1, run("", &["version"]).1);
}

#[test]
fn configurations_of_three_lengths_are_written_and_none_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let mut sizes = Vec::new();
    for template in ["minimal", "basic", "advanced"] {
        let file = format!("{template}.yaml");
        let output = run_in(folder.path(), "", &["config", "init", &file, "--template", template]);
        assert!(output.status.success());
        sizes.push(std::fs::metadata(folder.path().join(&file)).unwrap().len());
        let (valid, again) = (["config", "validate", &file], ["config", "init", &file]);
        assert!(run_in(folder.path(), "", &valid).status.success(), "{template}");
        assert!(!run_in(folder.path(), "", &again).status.success(), "{template}");
    }
    assert!(sizes.is_sorted() && sizes[0] < sizes[1], "{sizes:?}");
    assert!(run_in(folder.path(), "", &["config", "init", "minimal.yaml", "--force"]).status.success());
    assert_eq!(std::fs::metadata(folder.path().join("minimal.yaml")).unwrap().len(), sizes[2]);
}

const LAB: &str = "repositories: [{url: 'https://127.0.0.1:1/ada/lab', token: '${LAB_TOKEN}'}]";

#[test]
fn secrets_are_shown_to_who_asks_for_them_alone() {
    for format in ["yaml", "json"] {
        let (_, masked, _) = run(LAB, &["config", "show", "--format", format]);
        assert!(masked.contains("***MASKED***") && !masked.contains("secret-of-lab"), "{masked}");
        let (_, shown, _) = run(LAB, &["config", "show", "kubestats.yaml", "--format", format, "--show-secrets"]);
        assert!(shown.contains("secret-of-lab") && !shown.contains("***MASKED***"), "{shown}");
    }
    let (_, json, _) = run(LAB, &["config", "show", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["repositories"][0]["name"], "ada/lab");
}

#[test]
fn variables_are_told_with_their_places() {
    let config = "security: {allowed_env_vars: ['*_TOKEN']}\nrepositories:\n  - url: https://h/a/b\n    token: ${LAB_TOKEN}\n  \
                  - url: https://h/a/c\n    token: ${OTHER_TOKEN}\n  - url: https://h/a/d\n    token: ${HOME}\n";
    let (code, told, _) = run(config, &["config", "validate", "--check-env", "--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert!(code == Some(1) && told["valid"] == false, "{told}");
    assert_eq!(told["errors"].as_array().unwrap().len(), 2, "{told}");
    let checks: Vec<(&str, &str)> = told["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| (check["state"].as_str().unwrap(), check["message"].as_str().unwrap()))
        .collect();
    assert_eq!(checks.len(), 3, "{told}");
    assert!(checks[0].0 == "ok" && checks[0].1.contains("LAB_TOKEN"), "{told}");
    assert!(checks[1].0 == "fail" && checks[1].1.contains("OTHER_TOKEN is not set"), "{told}");
    assert!(checks[2].0 == "fail" && checks[2].1.contains("HOME"), "{told}");
    assert!(!told.to_string().contains("secret-of-lab"));
    let (code, told, _) = run(LAB, &["config", "validate", "--check-env"]);
    assert!(code == Some(0) && told.contains("valid, 1 repositories") && told.contains("LAB_TOKEN"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_really_tried() {
    let origin = Origins::new();
    origin.commit("one", &[("a.yaml", Some("a: 1\n"))]);
    let repositories = Generator::new(1, vec![origin.path().join(".git")]).repositories();
    let name = repositories[0].full_name();
    let standin = Standin::start(Options { limits: Limits::generous(), ..Options::with(repositories) }).await.unwrap();
    let (address, gone) = (standin.git().clone_url(&name), standin.git().clone_url("no/such"));
    tokio::task::spawn_blocking(move || {
        let config = format!(
            "security: {{require_https: false}}\ntekton: {{event_listener_url: 'http://127.0.0.1:1/'}}\n\
             repositories: [{{url: '{address}', name: here, scan_branches: [staging, main]}}, {{url: '{gone}', name: gone}}, {{url: 'http://h/off', enabled: false}}]"
        );
        let (code, told, _) = run(&config, &["config", "validate", "--check-connections", "--format", "json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert!(code == Some(1) && told["valid"] == true, "{told}");
        let has = |part: &str, state: &str, words: &str| {
            let found = told["checks"].as_array().unwrap().iter().any(|check| {
                check["part"] == part && check["state"] == state && check["message"].as_str().unwrap().contains(words)
            });
            assert!(found, "{part} {state} {words}: {told}");
        };
        has("database", "ok", "is not there yet");
        has("remotes", "ok", "here answers; its default branch is main");
        has("remotes", "warn", "scan_branches of here names main, its main branch, which is scanned anyway");
        has("remotes", "fail", "gone");
        has("listeners", "fail", "tekton");
        assert!(!told.to_string().contains("http://h/off"), "{told}");
    })
    .await
    .unwrap();
}

/// A command that asks a server which listens in this process.
async fn ask(app: &TestApp, arguments: &[&str]) -> (Option<i32>, String, String) {
    let listening = app.listen("{}").await;
    let port = listening.address.port().to_string();
    let arguments: Vec<String> =
        arguments.iter().copied().chain(["--host", "127.0.0.1", "--port", &port]).map(str::to_owned).collect();
    tokio::task::spawn_blocking(move || run("", &arguments.iter().map(String::as_str).collect::<Vec<_>>()))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_tells_how_it_is() {
    on_each_engine(async |app| {
        let (code, told, said) = ask(app, &["status", "--format", "json"]).await;
        let status: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}{said}"));
        // Nobody works here, which a server on its own has to tell.
        assert_eq!((code, &status["state"]), (Some(1), &"error".into()), "{status}");
        assert_eq!(status["components"]["api_server"]["state"], "running", "{status}");
        let (_, told, _) = ask(app, &["status"]).await;
        assert!(told.contains("poller") && told.contains("no process that does jobs"), "{told}");
    })
    .await;
    let (code, _, said) = run("", &["status", "--host", "127.0.0.1", "--port", "1"]);
    assert!(code == Some(1) && said.contains("http://127.0.0.1:1 does not answer"), "{said}");
}

/// A command that runs on, ended when it is dropped.
struct Running {
    program: Program,
    /// What it says, line by line as it comes.
    lines: Receiver<String>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).spawn().unwrap();
        let (say, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines() {
                if say.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { program: Program(child), lines }
    }

    /// Waits for a line with these words; all lines up to it.
    fn until(&self, words: &str) -> String {
        let mut said = String::new();
        while !said.contains(words) {
            match self.lines.recv_timeout(Duration::from_mins(1)) {
                Ok(line) => said = format!("{said}{line}\n"),
                Err(error) => panic!("{words} is not said ({error}): {said}"),
            }
        }
        said
    }

    /// Tells it to end; how it did.
    fn terminate(&mut self) -> ExitStatus {
        let told = Command::new("kill").args(["-TERM", &self.program.0.id().to_string()]).status().unwrap();
        assert!(told.success());
        self.program.0.wait().unwrap()
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_watched_is_told_again_whatever_it_is_until_a_signal_ends_it() {
    use std::os::unix::process::ExitStatusExt as _;

    on_sqlite(async |app| {
        let listening = app.listen("{}").await;
        let (port, began) = (listening.address.port().to_string(), Instant::now());
        let place = format!("http://127.0.0.1:{port}");
        let first = tokio::task::spawn_blocking(move || {
            let running = Running::start(&["status", "--watch", "--host", "127.0.0.1", "--port", &port]);
            let said = running.until("is in the state error");
            (running, said)
        });
        let (mut running, said) = first.await.unwrap();
        assert!(said.contains(&format!("{place}: error, version ")) && said.contains("api_server"), "{said}");
        assert!(!said.contains('\x1b'), "no terminal is wiped where there is none: {said:?}");

        // That it is not well, or away, ends nothing.
        drop(listening);
        let ended = tokio::task::spawn_blocking(move || {
            let said = running.until("does not answer");
            assert!(running.program.0.try_wait().unwrap().is_none(), "it ended by itself: {said}");
            running.terminate()
        });
        assert_eq!(ended.await.unwrap().signal(), Some(15));
        assert!(began.elapsed() >= Duration::from_secs(5), "it looks without a pause");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watched_repositories_are_listed_and_shown() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home").store(app).await;
        RepositoryBuilder::new("kim/lab").store(app).await;
        let settings = store::watch::WatchSettings {
            is_enabled: true,
            branch_regex: Some("^main$".to_owned()),
            ..store::watch::WatchSettings::default()
        };
        store::watch::set_watch(&app.state.db.write, id, &settings).await.unwrap();
        let (code, told, said) = ask(app, &["repo", "list"]).await;
        assert!(code == Some(0) && told.contains("ada/home") && told.contains("^main$"), "{told}{said}");
        assert!(!told.contains("kim/lab"), "{told}");
        let (_, told, _) = ask(app, &["repo", "list", "--format", "json"]).await;
        assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["total"], 1);
        let (code, told, said) = ask(app, &["repo", "show", "ada/home"]).await;
        assert!(code == Some(0) && told.contains("branch_regex") && told.contains("status."), "{told}{said}");
        let (code, _, said) = ask(app, &["repo", "show", "no/such"]).await;
        assert!(code == Some(1) && said.contains("Repository not found"), "{said}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_to_say_who_they_are_is_told_how() {
    on_sqlite(async |app| {
        let listening = app.listen("{anonymous_read: false}").await;
        let (port, token) = (listening.address.port().to_string(), app.token.clone());
        tokio::task::spawn_blocking(move || {
            let arguments = ["repo", "list", "--host", "127.0.0.1", "--port", &port];
            let (code, _, said) = run("", &arguments);
            assert!(code == Some(1) && said.contains("KUBESTATS_TOKEN"), "{said}");
            let output = program(&arguments).env("KUBESTATS_TOKEN", token).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        })
        .await
        .unwrap();
    })
    .await;
}

#[test]
fn setup_wants_a_terminal() {
    for arguments in [&["setup"][..], &["setup", "interactive"]] {
        let (code, _, said) = run("", arguments);
        assert!(code == Some(1) && said.contains("no terminal to ask them at"), "{said}");
    }
}

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn what_a_listener_would_be_sent_is_shown_and_sent() {
    let arguments = |url: &str, more: &[&str]| -> Vec<String> {
        let given =
            ["test-webhook", "--tekton-url", url, "--repo", "ada/home", "--branch", "feature/x", "--commit", SHA];
        given.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
    };
    let told =
        |config: &str, arguments: &[String]| run(config, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let (code, shown, said) = told("", &arguments("http://127.0.0.1:1/", &["--dry-run"]));
    assert_eq!(code, Some(0), "{said}");
    assert!(shown.starts_with("POST http://127.0.0.1:1/\n"), "{shown}");
    assert!(shown.to_lowercase().contains("ce-type: dev.reposentry.repository.branch_updated"), "{shown}");
    let body: Value = serde_json::from_str(shown.split_once("\n\n").unwrap().1).unwrap();
    assert_eq!((&body["commit"]["sha"], &body["branch"]["name"]), (&SHA.into(), &"feature/x".into()));
    assert_eq!(body["repository"]["url"], "https://github.com/ada/home");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let answers = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for status in ["202 Accepted", "500 Internal Server Error"] {
            let (mut stream, _) = listener.accept().unwrap();
            requests.push(read_request(&mut stream));
            let body = r#"{"eventListener":"el","eventID":"the-event"}"#;
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            std::io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
        }
        requests
    });
    let config = format!(
        "security: {{allowed_env_vars: ['*_TOKEN']}}\ntekton: {{event_listener_url: '{url}', secret: '${{LAB_TOKEN}}', headers: {{X-Team: a}}}}"
    );
    let (code, shown, said) = told(&config, &arguments(&url, &[]));
    assert!(code == Some(0) && shown.contains("status 202") && shown.contains("eventID the-event"), "{shown}{said}");
    let (code, _, said) = told(&config, &arguments(&url, &[]));
    assert!(code == Some(1) && said.contains("500"), "{said}");
    let requests = answers.join().unwrap();
    let sent = requests[0].to_lowercase();
    assert!(sent.contains("authorization: bearer secret-of-lab") && sent.contains("x-team: a"), "{sent}");
    assert!(sent.contains("ce-specversion: 1.0") && sent.contains(SHA), "{sent}");

    for (wrong, why) in [
        (&["test-webhook"][..], "--tekton-url"),
        (&["test-webhook", "--tekton-url", "http://h/", "--commit", SHA][..], "--repo"),
        (&["test-webhook", "--tekton-url", "http://h/", "--repo", "a/b", "--commit", "xyz"][..], "--commit"),
    ] {
        let (code, _, said) = run("", wrong);
        assert!(code != Some(0) && said.contains(why), "{said}");
    }
}

/// Head and body of a request.
fn read_request(stream: &mut std::net::TcpStream) -> String {
    use std::io::Read as _;
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}
