//! CloudEvents to EventListeners, compared byte for byte with what RepoSentry sent.

use entity::kind::{BranchEventKind, Provider};
use entity::view::{MASK, SentRequest, Target};
use triggers::{TargetSecrets, Telling, build_request, detect_tekton};

use crate::{described, gone, headers, secret, telling};

fn target(pairs: &[(&str, &str)]) -> Target {
    Target::Tekton { url: "http://el.example:8080".to_owned(), headers: headers(pairs) }
}

fn sent(target: &Target, secrets: &TargetSecrets, telling: &Telling<'_>) -> SentRequest {
    build_request(target, secrets, telling).unwrap().shown()
}

fn header<'a>(sent: &'a SentRequest, name: &str) -> &'a str {
    let found: Vec<&str> = sent
        .headers
        .iter()
        .filter(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(found.len(), 1, "{name} stands once");
    found[0]
}

#[test]
fn headers_and_body_are_those_of_the_contract() {
    let sent = sent(&target(&[]), &TargetSecrets::default(), &Telling { old_commit: None, ..telling() });
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", "http://el.example:8080/"));
    let expected = [
        ("Content-Type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-type", "dev.reposentry.repository.branch_updated"),
        ("ce-source", "reposentry/github"),
        ("ce-id", "event_abcd1234_20240101_120000"),
        ("ce-time", "2024-01-01T12:00:00Z"),
        ("ce-datacontenttype", "application/json"),
        ("X-GitHub-Event", "push"),
        ("User-Agent", "RepoSentry/1.0"),
        ("X-Source", "reposentry"),
        ("ce-deliveryid", "01920000-0000-7000-8000-000000000001"),
    ];
    let found: Vec<(&str, &str)> = sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(found, expected);
    let body = concat!(
        r#"{"repository":{"provider":"github","organization":"Owner","name":"Test-Repo","full_name":"Owner/Test-Repo","#,
        r#""url":"https://github.com/Owner/Test-Repo","id":"github-owner-test-repo"},"#,
        r#""branch":{"name":"main","ref":"refs/heads/main"},"#,
        r#""commit":{"sha":"abcd1234567890abcdef1234567890abcdef1234","short_sha":"abcd1234","#,
        r#""message":"No commit message available"},"#,
        r#""event":{"type":"branch_updated","trigger_source":"reposentry","trigger_id":"reposentry-github-1704110400","#,
        r#""detection_time":"2024-01-01T12:00:00Z"}}"#,
    );
    assert_eq!(sent.body, body);
}

#[test]
fn what_is_known_of_the_commit_stands_where_the_contract_has_room_for_it() {
    let told = Telling {
        commit: Some(described()),
        kind: BranchEventKind::BranchCreated,
        provider: Provider::Gitlab,
        repository_full_name: "group/sub/name",
        repository_url: "https://gitlab.com/group/sub/name",
        branch: "feature/a&b",
        ..telling()
    };
    let sent = sent(&target(&[]), &TargetSecrets::default(), &told);
    assert_eq!(header(&sent, "ce-type"), "dev.reposentry.repository.branch_created");
    assert_eq!(header(&sent, "ce-source"), "reposentry/gitlab");
    // All but the address is shown as it is sent.
    let body = concat!(
        r#"{"repository":{"provider":"gitlab","organization":"group/sub","name":"name","full_name":"group/sub/name","#,
        r#""url":"https://gitlab.com/group/sub/name","id":"gitlab-group-sub-name"},"#,
        r#""branch":{"name":"feature/a\u0026b","ref":"refs/heads/feature/a\u0026b"},"#,
        r#""commit":{"sha":"abcd1234567890abcdef1234567890abcdef1234","short_sha":"abcd1234","#,
        r#""message":"Update \u003capp\u003e \u0026 \"more\"\n\nBody","#,
        r#""author":{"name":"Ada","email":"••••••"},"timestamp":"2024-01-01T11:59:30Z"},"#,
        r#""event":{"type":"branch_created","trigger_source":"reposentry","trigger_id":"reposentry-gitlab-1704110400","#,
        r#""detection_time":"2024-01-01T12:00:00Z"},"#,
        r#""previous_commit":{"sha":"00ff10a1b2c3d4e5f60718293a4b5c6d7e8f9001","short_sha":"00ff10a1"}}"#,
    );
    assert_eq!(sent.body, body);
}

#[test]
fn what_was_detected_stands_behind_the_contract_and_moves_nothing() {
    let plain = sent(&target(&[]), &TargetSecrets::default(), &telling());
    let run = "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata:\n  name: go\n  namespace: ci\nspec:\n  pipelineRef:\n    name: build\n";
    let found = detect_tekton(true, [(".tekton/run.yaml", run.as_bytes())]);
    let told = Telling { tekton: Some(&found), kind: BranchEventKind::TektonDetected, ..telling() };
    let with = sent(&target(&[]), &TargetSecrets::default(), &told);
    assert_eq!(header(&with, "ce-type"), "dev.reposentry.repository.tekton_detected");
    let before = plain.body.replace("branch_updated", "tekton_detected");
    let before = before.strip_suffix('}').unwrap();
    let rest = with.body.strip_prefix(before).unwrap();
    let detection = concat!(
        r#","detection":{"has_tekton_directory":true,"scan_path":".tekton","total_files":1,"valid_files":1,"#,
        r#""resources":[{"api_version":"tekton.dev/v1","kind":"PipelineRun","name":"go","namespace":"ci","#,
        r#""file_path":".tekton/run.yaml","resource_index":0,"is_valid":true,"errors":[],"dependencies":["Pipeline/build"]}],"#,
        r#""resource_counts":{"PipelineRun":1},"estimated_action":"trigger","#,
        r#""action_reasons":["brings 1 run (PipelineRun or TaskRun)"],"errors":[],"warnings":[]}}"#,
    );
    assert_eq!(rest, detection);
}

#[test]
fn a_branch_that_is_gone_names_no_commit_that_could_be_built() {
    let sent = sent(&target(&[]), &TargetSecrets::default(), &Telling { commit: Some(described()), ..gone() });
    assert_eq!(header(&sent, "ce-type"), "dev.reposentry.repository.branch_deleted");
    assert_eq!(header(&sent, "ce-id"), "event_00000000_20240101_120000");
    let commit = r#""commit":{"sha":"0000000000000000000000000000000000000000","short_sha":"00000000","message":"No commit message available"}"#;
    assert!(sent.body.contains(commit), "{}", sent.body);
    assert!(
        sent.body.ends_with(
            r#""previous_commit":{"sha":"00ff10a1b2c3d4e5f60718293a4b5c6d7e8f9001","short_sha":"00ff10a1"}}"#
        )
    );
}

#[test]
fn headers_of_the_target_take_the_place_of_the_defaults() {
    let target = target(&[("x-source", "kubestats"), ("X-Team", "blue"), ("user-agent", "Other/2")]);
    let sent = sent(&target, &secret("hunter-2"), &telling());
    assert_eq!(header(&sent, "X-Source"), "kubestats");
    assert_eq!(header(&sent, "User-Agent"), "Other/2");
    assert_eq!(header(&sent, "X-Team"), "blue");
    assert_eq!(header(&sent, "Authorization"), format!("Bearer {MASK}"));
    assert_eq!(sent.headers.last().unwrap().0, "ce-deliveryid");
}

#[test]
fn every_attempt_has_the_same_bytes() {
    let first = sent(&target(&[]), &secret("hunter-2"), &Telling { attempt: 1, ..telling() });
    let later =
        sent(&target(&[]), &secret("hunter-2"), &Telling { attempt: 7, sent_at: chrono::Utc::now(), ..telling() });
    assert_eq!(first, later);
}
