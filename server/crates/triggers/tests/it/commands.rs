//! Commands on this machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use entity::view::Target;
use net::AddressGuard;
use triggers::{Client, SendEnd, Sent, TargetSecrets, Telling, build_request, send};

use crate::{DELIVERY, NEW, gone, telling};

async fn run(words: &[&str], told: &Telling<'_>, timeout: Duration) -> Sent {
    let target = Target::Command { command: words.iter().map(|word| (*word).to_owned()).collect() };
    let outgoing = build_request(&target, &TargetSecrets::default(), told).unwrap();
    let client = Client::new(Arc::new(AddressGuard::new([]))).unwrap();
    send(&client, &outgoing, timeout).await
}

async fn shell(script: &str) -> Sent {
    run(&["/bin/sh", "-c", script], &telling(), Duration::from_secs(10)).await
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
    let sent = run(&["/usr/bin/printf", "%s|", "a b", "$(id)", "`id`"], &telling(), Duration::from_secs(10)).await;
    assert_eq!(sent.answer.as_deref(), Some("a b|$(id)|`id`|"));
    let script = "echo \"${KUBESTATS_COMMIT-none} $KUBESTATS_EVENT\"";
    let sent = run(&["/bin/sh", "-c", script], &gone(), Duration::from_secs(10)).await;
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
    let sent = run(&["/no/such/program"], &telling(), Duration::from_secs(10)).await;
    assert!(failed(&sent).starts_with("/no/such/program can't be run: "), "{sent:?}");
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_stopped_with_all_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let script = format!("(sleep 2; touch {0}) & echo begun; sleep 60; touch {0}", mark.display());
    let started = Instant::now();
    let sent = run(&["/bin/sh", "-c", &script], &telling(), Duration::from_millis(500)).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(
        sent.end,
        SendEnd::Failed { why: "did not end within 0.5 s and was stopped".to_owned(), retry_after: None }
    );
    assert_eq!(sent.answer.as_deref(), Some("begun\n"));
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(!mark.exists(), "what it began went on");
}

#[tokio::test]
async fn whoever_stops_waiting_stops_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let script = format!("sleep 1; touch {}", mark.display());
    let words = ["/bin/sh", "-c", script.as_str()];
    let told = telling();
    let waiting = run(&words, &told, Duration::from_secs(30));
    assert!(tokio::time::timeout(Duration::from_millis(300), waiting).await.is_err());
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!mark.exists(), "it went on");
}

#[tokio::test]
async fn output_without_end_and_processes_left_behind_hold_nobody_up() {
    let sent = shell("head -c 1000000 /dev/zero | tr '\\0' 'y'; exec 0<&-").await;
    assert_eq!((&sent.end, sent.answer.as_ref().map(String::len)), (&SendEnd::Delivered, Some(16 << 10)));
    let started = Instant::now();
    let sent = shell("sleep 5 & echo done").await;
    assert_eq!((&sent.end, sent.answer.as_deref()), (&SendEnd::Delivered, Some("done\n")));
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    // Who reads nothing of a large input is not waited for either.
    assert_eq!(shell("exit 0").await.end, SendEnd::Delivered);
}
