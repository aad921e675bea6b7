//! The program itself reads its file again: where that changed, and where it is told to.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Program, access_token, address_in, with_first_account};

/// Something hangs that takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

async fn wait_for(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_notices_a_changed_file_and_the_signal() {
    let folder = tempfile::tempdir().unwrap();
    let (file, log) = (folder.path().join("kubestats.yaml"), folder.path().join("log"));
    let text = |level: &str, more: &str| {
        format!(
            "app: {{data_dir: {}, listen: '127.0.0.1:0', samples: never, log_format: text, log_level: {level}}}\n\
             discovery: {{enabled: false}}\n{more}",
            folder.path().join("data").display()
        )
    };
    fs::write(&file, text("info", "")).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    program.args(["serve", "--config"]).arg(&file).env_remove("DATABASE_URL").env("NO_COLOR", "1");
    with_first_account(&mut program);
    let program = program.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    let pid = program.id().to_string();
    let _program = Program(program);
    let said = || fs::read_to_string(&log).unwrap();
    let address = address_in(&said).await.to_string();

    // As an editor does: beside it, then in its place.
    let new = folder.path().join("new");
    fs::write(&new, text("info", "repositories: [{url: 'https://h.invalid/team/app', enabled: false}]\n")).unwrap();
    fs::rename(&new, &file).unwrap();
    wait_for("the changed file is not read", async || said().contains("applied=\"repositories\"")).await;

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let bearer = access_token(&address).await;
    let reloads = async || {
        let asked = client.get(format!("http://{address}/api/v1/config/reloads")).bearer_auth(&bearer);
        let answer = asked.send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&answer).unwrap().as_array().unwrap().clone()
    };
    // It is logged before it is kept.
    wait_for("the reload is not told", async || !reloads().await.is_empty()).await;
    let shown = reloads().await;
    assert_eq!((shown.len(), &shown[0]["cause"], &shown[0]["outcome"]), (1, &"file".into(), &"applied".into()));

    // A broken file is told once, and the program goes on.
    fs::write(&file, "app: [\n").unwrap();
    wait_for("the broken file is not told", async || said().contains("the configuration is refused")).await;
    fs::write(&file, text("warn", "")).unwrap();
    wait_for("the mended file is not read", async || {
        reloads().await.first().is_some_and(|newest| newest["outcome"] == "applied")
    })
    .await;
    let refused = reloads().await.iter().filter(|reload| reload["outcome"] == "refused").count();
    assert_eq!(refused, 1);

    // The log says no more than its new level, and the signal is heard all the same.
    let before = reloads().await.len();
    let sent = Command::new("kill").args(["-HUP", &pid]).status().unwrap();
    assert!(sent.success());
    wait_for("the signal is not heard", async || reloads().await.len() > before).await;
    assert_eq!(reloads().await[0]["cause"], "signal");
    assert!(!said().contains("nothing changed"), "{}", said());
}
