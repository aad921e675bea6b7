//! Triggers, and RepoSentry's keys of Tekton.

use entity::kind::BranchEventKind;
use entity::view::{Condition, Pace, Target};

use super::super::*;
use super::{errors, read};

const DEPLOY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u";
const OLD_DEPLOY: &str = "whsec_bm1sa2ppaGdmZWRjYmE5ODc2NTQzMjEw";

fn pace(timeout_ms: u64, waits_ms: &[u64]) -> Pace {
    Pace { timeout_ms, waits_ms: waits_ms.to_vec() }
}

fn only(text: &str) -> ConfiguredTrigger {
    let mut triggers = read(text).unwrap().triggers;
    assert_eq!(triggers.len(), 1, "{text}");
    triggers.remove(0)
}

#[test]
fn reposentrys_keys_make_one_trigger_for_commits_that_bring_something_for_tekton() {
    assert!(read("tekton: {system_namespace: a, retry_attempts: 3}").unwrap().triggers.is_empty());
    let found = only("tekton: {event_listener_url: 'http://el.ns.svc:8080', secret: '${DEPLOY_SECRET}'}");
    let condition = Condition {
        events: vec![BranchEventKind::BranchCreated, BranchEventKind::BranchUpdated],
        tekton: Some(true),
        ..Condition::default()
    };
    assert_eq!((found.name.as_str(), found.is_enabled, &found.condition), ("tekton", true, &condition));
    assert_eq!(found.target, Target::Tekton { url: "http://el.ns.svc:8080".into(), headers: [].into() });
    assert_eq!((found.pace.clone(), found.secret.as_ref().unwrap().expose()), (Pace::default(), DEPLOY));
    let config = read("tekton: {event_listener_url: 'http://el.ns.svc:8080'}").unwrap();
    assert_eq!(config.tekton.system_namespace, "reposentry-system");
    assert_eq!(config.tekton.bootstrap_pipeline, "reposentry-bootstrap-pipeline");
}

#[test]
fn headers_of_tekton_are_sent_beside_the_usual_one() {
    let of =
        |headers: &str| match only(&format!("tekton: {{event_listener_url: 'http://el:8080', headers: {headers}}}"))
            .target
        {
            Target::Tekton { headers, .. } => {
                headers.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
            }
            other => panic!("{other:?}"),
        };
    let found: Vec<String> = of("{Content-Type: application/json, X-Source: reposentry}");
    assert_eq!(found, ["X-Source=reposentry"]);
    let found: Vec<String> = of("{x-source: ours, X-Team: 7}");
    assert_eq!(found, ["X-Team=7", "x-source=ours"]);
    for (headers, told) in [
        ("{Content-Type: text/plain}", "tekton.headers: Content-Type is \"text/plain\"; events are application/json"),
        ("{X-Key: '${DEPLOY_SECRET}'}", "tekton.headers.X-Key: is kept and shown as it stands here"),
        ("[a]", "tekton.headers: should be a mapping of names to values"),
        ("{X-Key: [a]}", "tekton.headers.X-Key: should be a single value"),
    ] {
        let found = errors(&format!("tekton: {{event_listener_url: 'http://el:8080', headers: {headers}}}"));
        assert!(found.len() == 1 && found[0].contains(told), "{headers}: {found:?}");
    }
}

#[test]
fn attempts_are_paced_as_written() {
    let of = |keys: &str| only(&format!("tekton: {{event_listener_url: 'http://el:8080'{keys}}}")).pace;
    assert_eq!(of(", timeout: 30s, retry_attempts: 3, retry_backoff: 1s"), pace(30_000, &[1_000, 2_000, 4_000]));
    assert_eq!(of(", retry_attempts: 2"), pace(10_000, &[5_000, 60_000]));
    assert_eq!(of(", retry_attempts: 0"), pace(10_000, &[]));
    assert_eq!(of(", retry_attempts: 9").waits_ms[6..], [36_000_000, 36_000_000, 36_000_000]);
    assert_eq!(of(", retry_backoff: 2s").waits_ms, [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000]);
    let usual = "watching: {timeout: 3s, retry_waits: [1s, 2m]}\ntekton: {event_listener_url: 'http://el:8080'}";
    assert_eq!(only(usual).pace, pace(3_000, &[1_000, 120_000]));
    let listed = "triggers: [{name: a, target: {flux: {url: 'https://h/x'}}, retry_waits: [7s]}]";
    assert_eq!(only(listed).pace, pace(10_000, &[7_000]));
    for (keys, told) in [
        (", timeout: 1h", "tekton.timeout: found \"1h\"; from 1s to 5m is allowed"),
        (", retry_attempts: 21", "tekton.retry_attempts: found \"21\""),
        (", retry_waits: [1s], retry_attempts: 2", "tekton.retry_waits: says all of it"),
        (", retry_waits: [1ms]", "tekton.retry_waits: found \"1ms\"; from 100ms to 1d is allowed"),
    ] {
        let found = errors(&format!("tekton: {{event_listener_url: 'http://el:8080'{keys}}}"));
        assert!(found.len() == 1 && found[0].contains(told), "{keys}: {found:?}");
    }
}

#[test]
fn triggers_of_the_list_have_condition_target_and_secrets() {
    let found = only(concat!(
        "triggers:\n  - name: deploy\n    enabled: false\n    when: {repositories: [a/*], branches: ^main$, events: [branch_deleted],",
        " paths: ['clusters/**'], tekton: false, cel: 'true'}\n    target: {webhook: {url: 'https://h/x', headers: {X-A: b}}}\n",
        "    secret: ${DEPLOY_SECRET}\n    previous_secret: ${OLD_DEPLOY_SECRET}\n",
    ));
    let condition = Condition {
        repositories: vec!["a/*".into()],
        branches: Some("^main$".into()),
        events: vec![BranchEventKind::BranchDeleted],
        paths: vec!["clusters/**".into()],
        tekton: Some(false),
        expression: Some("true".into()),
    };
    assert_eq!((found.is_enabled, &found.condition), (false, &condition));
    assert_eq!(found.secret.as_ref().unwrap().expose(), DEPLOY);
    assert_eq!(found.previous_secret.as_ref().unwrap().expose(), OLD_DEPLOY);
    assert_eq!(found.url().unwrap().host_str(), Some("h"));
    assert!(!format!("{found:?}").contains("whsec_"));
}

#[test]
fn wrong_triggers_are_refused_with_what_is_allowed() {
    let one = |keys: &str| format!("triggers: [{{name: a, {keys}}}]");
    let target = "target: {flux: {url: 'https://h/x'}}";
    for (text, told) in [
        (format!("triggers: [{{{target}}}]"), "triggers[0].name: is missing"),
        (one("enabled: true"), "triggers[0].target: is missing; one of tekton, webhook, flux,"),
        (
            one("target: {flux: {url: 'https://h/x'}, webhook: {url: 'https://h/x'}}, secret: x"),
            "has webhook and flux; one trigger",
        ),
        (one("target: {slack: {url: 'https://h/x'}}"), "triggers[0].target.slack: unknown key"),
        (one("target: {webhook: {}}"), "triggers[0].target.webhook.url: is missing"),
        (
            one("target: {webhook: {url: 'ftp://h/x'}}"),
            "triggers[0].target.webhook.url: \"ftp://h/x\" is no http or https URL",
        ),
        (one("target: {webhook: {url: 'https://u:p@h/x'}}"), "triggers[0].target.webhook.url: credentials in a URL"),
        (one("target: {github_dispatch: {}}, secret: x"), "triggers[0].target.github_dispatch.event_type: is missing"),
        (
            one("target: {command: [/bin/true]}"),
            "triggers[0].target.command: commands are not run; set security.allow_commands",
        ),
        (one(&format!("{target}, when: {{branches: '('}}")), "triggers[0].when: "),
        (one(&format!("{target}, when: {{cel: '1 +'}}")), "triggers[0].when: "),
        (
            one(&format!("{target}, when: {{events: [push]}}")),
            "triggers[0].when.events: \"push\" is not known here; allowed: branch_created",
        ),
        (
            one(&format!("{target}, when: {{branch: a}}")),
            "triggers[0].when.branch: unknown key; did you mean \"branches\"?",
        ),
        (one(&format!("{target}, previous_secret: x")), "triggers[0].secret: is missing"),
        (
            format!("triggers: [{{name: tekton, {target}}}]\ntekton: {{event_listener_url: 'http://el:8080'}}"),
            "triggers[0]: tekton is the name of the trigger that tekton.event_listener_url makes",
        ),
        ("tekton: {event_listener_url: el}".to_owned(), "tekton.event_listener_url: \"el\" is no http or https URL"),
        ("tekton: {system_namespace: Big}".to_owned(), "tekton.system_namespace: \"Big\" is no name in Kubernetes"),
        ("tekton: {bootstrap_pipeline: -a}".to_owned(), "tekton.bootstrap_pipeline: \"-a\" is no name in Kubernetes"),
        ("watching: {keep_events: 1h}".to_owned(), "watching.keep_events: found \"1h\"; at least 1d, or off"),
    ] {
        let found = errors(&text);
        assert!(found.len() == 1 && found[0].contains(told), "{text}: {found:?}");
    }
    let allowed = "security: {allow_commands: true}\ntriggers: [{name: a, target: {command: [deploy]}}]";
    assert!(errors(allowed)[0].contains("triggers[0].target: command"));
    let secret = allowed.replace("[deploy]}", "[/bin/deploy]}, secret: x");
    assert!(errors(&secret)[0].contains("triggers[0].secret: a command takes no secret"));
    let allowed = allowed.replace("[deploy]", "[/bin/deploy, '--now']");
    assert_eq!(only(&allowed).target, Target::Command { command: vec!["/bin/deploy".into(), "--now".into()] });
}
