//! Commands on this machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use entity::view::Target;
use net::AddressGuard;
use triggers::{Client, SendEnd, Sent, TargetSecrets, Telling, build_request, send};

use crate::{DELIVERY, NEW, gone, telling};

/// Commands that end have ended by now; those that are not stopped run for longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whether a process is there and not dead: whoever is to know of its end may not have asked yet.
fn runs(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

async fn until_gone(id: u32) {
    let began = Instant::now();
    while runs(id) {
        assert!(began.elapsed() < PATIENCE, "{id} goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn run(words: &[&str], told: &Telling<'_>, timeout: Duration) -> Sent {
    let target = Target::Command { command: words.iter().map(|word| (*word).to_owned()).collect() };
    let outgoing = build_request(&target, &TargetSecrets::default(), told).unwrap();
    let client = Client::new(Arc::new(AddressGuard::new([]))).unwrap();
    send(&client, &outgoing, timeout).await
}

async fn shell(script: &str) -> Sent {
    run(&["/bin/sh", "-c", script], &telling(), PATIENCE).await
}

#[tokio::test]
async fn a_command_gets_the_event_and_nothing_of_our_environment() {
    let sent = shell("cat; env | sort >&2; pwd >&2").await;
    assert_eq!((&sent.end, sent.status), (&SendEnd::Delivered, Some(0)));
    let answer = sent.answer.unwrap();
    let at = answer.find("KUBESTATS_BRANCH").unwrap();
    let body: serde_json::Value = serde_json::from_str(&answer[..at]).unwrap();
    assert_eq!(body["data"]["delivery_id"], DELIVERY.to_string());
    let names: Vec<&str> = answer[at..].lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let own = [
        "KUBESTATS_BRANCH",
        "KUBESTATS_COMMIT",
        "KUBESTATS_DELIVERY_ID",
        "KUBESTATS_EVENT",
        "KUBESTATS_FORCED",
        "KUBESTATS_PREVIOUS_COMMIT",
        "KUBESTATS_PROVIDER",
        "KUBESTATS_REPOSITORY",
        "KUBESTATS_REPOSITORY_URL",
        "KUBESTATS_TRIGGER",
        "PATH",
    ];
    // The shell's own.
    let names: Vec<&str> =
        names.into_iter().filter(|name| !matches!(*name, "PWD" | "OLDPWD" | "SHLVL" | "_")).collect();
    assert_eq!(names, own);
    assert!(answer.contains(&format!("KUBESTATS_COMMIT={NEW}\n")) && answer.ends_with("\n/\n"), "{answer}");
}

#[tokio::test]
async fn words_are_passed_without_a_shell_and_branches_that_are_gone_have_no_commit() {
    let sent = run(&["/usr/bin/printf", "%s|", "a b", "$(id)", "`id`"], &telling(), PATIENCE).await;
    assert_eq!(sent.answer.as_deref(), Some("a b|$(id)|`id`|"));
    let script = "echo \"${KUBESTATS_COMMIT-none} $KUBESTATS_EVENT\"";
    let sent = run(&["/bin/sh", "-c", script], &gone(), PATIENCE).await;
    assert_eq!(sent.answer.as_deref(), Some("none branch_deleted\n"));
}

#[tokio::test]
async fn commands_that_end_badly_say_how() {
    let failed = |sent: &Sent| match &sent.end {
        SendEnd::Failed { why, retry_after: None } => why.clone(),
        other => panic!("{other:?}"),
    };
    let sent = shell("echo first; echo 'no such cluster' >&2; exit 3").await;
    assert_eq!((failed(&sent).as_str(), sent.status), ("ends with status 3: no such cluster", Some(3)));
    assert_eq!(failed(&shell("kill -9 $$").await), "is ended by signal 9");
    let sent = run(&["/no/such/program"], &telling(), PATIENCE).await;
    assert!(failed(&sent).starts_with("/no/such/program can't be run: "), "{sent:?}");
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_stopped_with_all_it_began() {
    let script = "sleep 600 & echo $$ $!; sleep 600; echo late";
    let started = Instant::now();
    let sent = run(&["/bin/sh", "-c", script], &telling(), Duration::from_millis(2_500)).await;
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    assert_eq!(
        sent.end,
        SendEnd::Failed { why: "did not end within 2.5 s and was stopped".to_owned(), retry_after: None }
    );
    let answer = sent.answer.unwrap();
    let begun: Vec<u32> = answer.split_whitespace().map(|id| id.parse().unwrap()).collect();
    assert_eq!(begun.len(), 2, "{answer}");
    for id in begun {
        until_gone(id).await;
    }
}

#[tokio::test]
async fn whoever_stops_waiting_stops_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    // In its place at once, so that it is never seen half written.
    let script = format!("echo $$ > {0}.new; mv {0}.new {0}; sleep 600; echo late", mark.display());
    let words = ["/bin/sh", "-c", script.as_str()];
    let told = telling();
    let begun = async {
        let began = Instant::now();
        while !mark.exists() {
            assert!(began.elapsed() < PATIENCE, "it does not begin");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        sent = run(&words, &told, 2 * PATIENCE) => panic!("it ended: {sent:?}"),
        () = begun => {}
    }
    until_gone(std::fs::read_to_string(&mark).unwrap().trim().parse().unwrap()).await;
}

#[tokio::test]
async fn output_without_end_and_processes_left_behind_hold_nobody_up() {
    let sent = shell("head -c 1000000 /dev/zero | tr '\\0' 'y'; exec 0<&-").await;
    assert_eq!((&sent.end, sent.answer.as_ref().map(String::len)), (&SendEnd::Delivered, Some(16 << 10)));
    let started = Instant::now();
    let sent = shell("sleep 600 & echo $! done").await;
    let answer = sent.answer.unwrap();
    let (left, said) = answer.split_once(' ').unwrap();
    assert_eq!((&sent.end, said), (&SendEnd::Delivered, "done\n"));
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    // It goes on as it was meant to, until this test has no more use for it.
    assert!(runs(left.parse().unwrap()), "what was left running on purpose was ended");
    assert!(std::process::Command::new("kill").arg(left).status().unwrap().success());
    // Who reads nothing of a large input is not waited for either.
    assert_eq!(shell("exit 0").await.end, SendEnd::Delivered);
}
