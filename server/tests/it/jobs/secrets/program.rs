//! The running program: what it says at any level, and what it leaves in its files.

use crate::support::{Program, access_token, address_in, with_first_account};
use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use entity::kind::SyncStatus;
use store::{
    db::{Db, DbSettings},
    repositories,
};

use super::super::processes::PATIENCE;
use super::{MARK, assert_unmarked, planted};

#[tokio::test]
async fn the_program_says_no_secret_at_any_level_and_leaves_none_in_its_files() {
    let origin = planted();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let text = format!(
        "app: {{data_dir: {}, listen: '127.0.0.1:0', log_level: 'trace,server=trace', samples: never}}\nsecurity: {{allow_local_repositories: true}}\n\
         repositories: [{{url: {}, name: ada/cluster}}]\n",
        data.display(),
        origin.path().display()
    );
    fs::write(folder.path().join("kubestats.yaml"), text).unwrap();
    let log = fs::File::create(folder.path().join("log")).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    with_first_account(&mut program);
    let served = program
        .args(["serve", "--config"])
        .arg(folder.path().join("kubestats.yaml"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let served = Program(served);
    let url = format!("sqlite://{}", data.join("kubestats.db").display());
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < PATIENCE, "{}", fs::read_to_string(folder.path().join("log")).unwrap());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let Ok(db) = Db::connect(&DbSettings::new(&url)).await else { continue };
        let targets = repositories::list_sync_targets(&db.read).await.unwrap_or_default();
        let done = targets.iter().any(|target| target.scanned.is_some() && target.scan_status == SyncStatus::Success);
        db.close().await.unwrap();
        if done {
            break;
        }
    }
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();
    let address = address_in(&log).await.to_string();
    let answer = post(
        &address,
        &access_token(&address).await,
        r#"{"urls": ["https://u:hunter@140.82.121.3/a/b", "https://140.82.121.3/a/b?private_token=hunter"]}"#,
    );
    assert!(answer.contains("credentials"), "{answer}");
    assert_unmarked("the answer", &answer);
    drop(served);
    let log = log();
    assert!(log.lines().count() > 10, "little is said at the most talkative level: {log}");
    assert_unmarked("the log", &log);
    for path in fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(MARK.len()).any(|part| part == MARK.as_bytes()), "{}", path.display());
    }
    for arguments in
        [&["scan", "--format", "json"][..], &["scan"], &["history", "--events"], &["history", "--format", "json"]]
    {
        let (out, error) = said(arguments, &origin.path());
        assert_unmarked(arguments[0], &out);
        assert_unmarked(arguments[0], &error);
    }
    // Not even in an error about the address itself.
    for address in
        ["https://user:hunter@127.0.0.1:1/a/b", "https://127.0.0.1:1/a/b?private_token=hunter", "user:hunter@nowhere"]
    {
        for command in ["scan", "history"] {
            let (out, error) = said(&[command], Path::new(address));
            assert!(!error.is_empty());
            assert_unmarked(command, &format!("{out}{error}"));
        }
    }
}

fn post(address: &str, token: &str, body: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/repositories/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn said(arguments: &[&str], source: &Path) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kubestats")).args(arguments).arg(source).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
