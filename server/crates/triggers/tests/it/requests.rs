//! What other targets are told, and which are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::kind::{Provider, TargetKind};
use entity::view::{MASK, SentRequest, Target};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use triggers::{
    CommitDescription, SecretUse, TargetSecrets, Telling, build_request, check_secret, check_target, secret_use,
};

use crate::{DELIVERY, EVENT, NEW, OLD, WEBHOOK_SECRET, described, gone, headers, secret, telling};

fn sent(target: &Target, secrets: &TargetSecrets, telling: &Telling<'_>) -> SentRequest {
    build_request(target, secrets, telling).unwrap().shown()
}

fn refused(target: &Target, secrets: &TargetSecrets, telling: &Telling<'_>) -> String {
    build_request(target, secrets, telling).unwrap_err().to_string()
}

fn header<'a>(sent: &'a SentRequest, name: &str) -> &'a str {
    &sent.headers.iter().find(|(own, _)| own == name).unwrap_or_else(|| panic!("no {name}")).1
}

fn body(sent: &SentRequest) -> Value {
    serde_json::from_str(&sent.body).unwrap()
}

fn signed(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn webhook() -> Target {
    Target::Webhook { url: "https://hooks.example/a?b=c".to_owned(), headers: headers(&[("X-Team", "blue")]) }
}

fn github() -> Target {
    Target::GithubDispatch {
        api_url: "https://api.github.com".to_owned(),
        repository: None,
        event_type: "deploy".to_owned(),
    }
}

fn gitlab() -> Target {
    Target::GitlabPipeline { api_url: "https://gitlab.com/api/v4/".to_owned(), project: None, reference: None }
}

#[test]
fn webhooks_are_signed_by_both_secrets_while_one_is_replaced() {
    let old = format!("whsec_{}", STANDARD.encode([7; 32]));
    let secrets = TargetSecrets { current: Some(WEBHOOK_SECRET.to_owned()), previous: Some(old) };
    let sent = sent(&webhook(), &secrets, &telling());
    assert_eq!(header(&sent, "webhook-id"), DELIVERY.to_string());
    assert_eq!(header(&sent, "webhook-timestamp"), "1704110700");
    assert_eq!(header(&sent, "X-Team"), "blue");
    let text = format!("{DELIVERY}.1704110700.{}", sent.body);
    let current = STANDARD.decode(WEBHOOK_SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let both = [signed(&current, &text), signed(&[7; 32], &text)].map(|it| format!("v1,{}", STANDARD.encode(it)));
    assert_eq!(header(&sent, "webhook-signature"), both.join(" "));
}

#[test]
fn the_body_of_a_webhook_says_what_happened() {
    let told = Telling { commit: Some(described()), ..telling() };
    let expected = json!({
        "type": "repository.branch_updated",
        "timestamp": "2024-01-01T12:00:00Z",
        "data": {
            "event_id": EVENT.to_string(),
            "delivery_id": DELIVERY.to_string(),
            "trigger": "deploy",
            "repository": {
                "full_name": "Owner/Test-Repo", "url": "https://github.com/Owner/Test-Repo", "provider": "github",
            },
            "branch": "main",
            "ref": "refs/heads/main",
            "commit": {
                "sha": NEW,
                "message": "Update <app> & \"more\"\n\nBody",
                "author": { "name": "Ada", "email": MASK },
                "timestamp": "2024-01-01T11:59:30Z",
            },
            "previous_commit": OLD,
            "forced": false,
            "tekton": null,
        },
    });
    assert_eq!(body(&sent(&webhook(), &secret(WEBHOOK_SECRET), &told)), expected);
    let gone = body(&sent(&webhook(), &secret(WEBHOOK_SECRET), &gone()));
    assert_eq!(gone["type"], "repository.branch_deleted");
    assert_eq!((&gone["data"]["commit"], &gone["data"]["previous_commit"]), (&Value::Null, &json!(OLD)));
}

#[test]
fn receivers_of_flux_get_a_signature_where_there_is_a_secret() {
    let target = Target::Flux { url: "https://flux.example/hook/abc".to_owned() };
    let with = sent(&target, &secret("flux secret"), &telling());
    assert_eq!(header(&with, "X-Signature"), format!("sha256={}", hex::encode(signed(b"flux secret", &with.body))));
    let without = sent(&target, &TargetSecrets::default(), &telling());
    assert!(without.headers.iter().all(|(name, _)| name != "X-Signature"));
    assert_eq!(with.body, without.body);
}

#[test]
fn dispatches_of_github_hold_ten_keys_and_go_to_the_repository() {
    let told = Telling { commit: Some(described()), ..telling() };
    let own = sent(&github(), &secret("ghp_hunter2"), &told);
    assert_eq!(own.url, "https://api.github.com/repos/Owner/Test-Repo/dispatches");
    assert_eq!(header(&own, "Accept"), "application/vnd.github+json");
    assert_eq!(header(&own, "X-GitHub-Api-Version"), "2022-11-28");
    assert_eq!(header(&own, "Authorization"), format!("Bearer {MASK}"));
    let text = body(&own);
    assert_eq!(text["event_type"], "deploy");
    let payload = text["client_payload"].as_object().unwrap();
    assert_eq!(payload.len(), 10);
    assert_eq!(payload["commit"], json!({ "sha": NEW, "message": described().message, "author": "Ada" }));
    let elsewhere = Target::GithubDispatch {
        api_url: "https://ghe.example/api/v3/".to_owned(),
        repository: Some("ops/deploy".to_owned()),
        event_type: "deploy".to_owned(),
    };
    let told = Telling { provider: Provider::Git, ..telling() };
    assert_eq!(
        sent(&elsewhere, &secret("ghp_hunter2"), &told).url,
        "https://ghe.example/api/v3/repos/ops/deploy/dispatches"
    );
}

#[test]
fn the_address_of_whoever_wrote_a_commit_is_not_shown() {
    let tekton = Target::Tekton { url: "https://el.example/".to_owned(), headers: headers(&[]) };
    let command = Target::Command { command: vec!["/bin/true".to_owned()] };
    for email in ["ada@example.org", "a\"da&co@example.org", "ünal@example.org"] {
        let commit = CommitDescription { author_email: email, ..described() };
        let told = Telling { commit: Some(commit), ..telling() };
        for (target, secrets) in [
            (&tekton, TargetSecrets::default()),
            (&webhook(), secret(WEBHOOK_SECRET)),
            (&Target::Flux { url: "https://flux.example/hook/abc".to_owned() }, TargetSecrets::default()),
            (&command, TargetSecrets::default()),
        ] {
            let outgoing = build_request(target, &secrets, &told).unwrap();
            let body = body(&outgoing.shown());
            let commit = if target == &tekton { &body["commit"] } else { &body["data"]["commit"] };
            assert_eq!(commit["author"], json!({ "name": "Ada", "email": MASK }), "{email}");
            assert!(!format!("{outgoing:?}").contains("example.org"), "{outgoing:?}");
        }
    }
    // A commit may say anything there: words of the body stay as they are.
    let commit = CommitDescription { author_email: "data", ..described() };
    let shown = body(&sent(&webhook(), &secret(WEBHOOK_SECRET), &Telling { commit: Some(commit), ..telling() }));
    assert_eq!(shown["data"]["commit"]["author"]["email"], "data");
}

#[test]
fn pipelines_of_gitlab_run_for_the_branch_with_variables() {
    let told =
        Telling { provider: Provider::Gitlab, repository_full_name: "a/b/c", branch: "x/$CI_JOB_TOKEN", ..telling() };
    let own = sent(&gitlab(), &secret("glptt-\"hunter2"), &told);
    assert_eq!(own.url, "https://gitlab.com/api/v4/projects/a%2Fb%2Fc/trigger/pipeline");
    let text = body(&own);
    assert_eq!((&text["ref"], &text["token"]), (&json!("x/$CI_JOB_TOKEN"), &json!(MASK)));
    let variables = &text["variables"];
    assert_eq!(variables["KUBESTATS_BRANCH"], "x/$$CI_JOB_TOKEN");
    assert_eq!(variables["KUBESTATS_COMMIT"], NEW);
    assert_eq!(variables["KUBESTATS_PREVIOUS_COMMIT"], OLD);
    assert_eq!(variables["KUBESTATS_EVENT"], "branch_updated");
    let elsewhere = Target::GitlabPipeline {
        api_url: "https://gitlab.com/api/v4".to_owned(),
        project: Some("42".to_owned()),
        reference: Some("main".to_owned()),
    };
    let own = sent(&elsewhere, &secret("glptt-hunter2"), &telling());
    assert_eq!(own.url, "https://gitlab.com/api/v4/projects/42/trigger/pipeline");
    assert_eq!(body(&own)["ref"], "main");
}

#[test]
fn forges_are_not_told_of_branches_that_are_gone_or_repositories_that_are_elsewhere() {
    for target in [github(), gitlab()] {
        let reason = refused(&target, &secret("hunter-2"), &gone());
        assert!(reason.starts_with("event: the branch is gone"), "{reason}");
        let reason = refused(&target, &secret("hunter-2"), &Telling { provider: Provider::Forgejo, ..telling() });
        assert!(reason.contains("Owner/Test-Repo is not on Git"), "{reason}");
    }
}

#[test]
fn secrets_are_checked_and_never_said() {
    for (kind, used) in [
        (TargetKind::Tekton, SecretUse::Optional),
        (TargetKind::Webhook, SecretUse::Required),
        (TargetKind::Flux, SecretUse::Optional),
        (TargetKind::GithubDispatch, SecretUse::Required),
        (TargetKind::GitlabPipeline, SecretUse::Required),
        (TargetKind::Command, SecretUse::None),
    ] {
        assert_eq!(secret_use(kind), used);
    }
    assert!(check_secret(TargetKind::Webhook, WEBHOOK_SECRET).is_ok());
    for (kind, bad) in [
        (TargetKind::Webhook, "hunter2hunter2hunter2"),
        (TargetKind::Tekton, "hunter\r\nX-Evil: 1"),
        (TargetKind::Tekton, " hunter"),
        (TargetKind::GithubDispatch, "hunterß"),
        (TargetKind::GitlabPipeline, ""),
        (TargetKind::Command, "hunter"),
    ] {
        let reason = check_secret(kind, bad).unwrap_err().to_string();
        assert!(reason.starts_with("secret: ") && !reason.contains("hunter"), "{reason}");
    }
    assert_eq!(refused(&webhook(), &TargetSecrets::default(), &telling()), "secret: a webhook needs a secret; set one");
    let secrets = TargetSecrets { current: Some("hunter".to_owned()), previous: None };
    assert!(!format!("{secrets:?}").contains("hunter"));
    let kept = serde_json::to_string(&secrets).unwrap();
    assert_eq!(serde_json::from_str::<TargetSecrets>(&kept).unwrap(), secrets);
    let outgoing =
        build_request(&gitlab(), &secret("glptt-hunter2"), &Telling { provider: Provider::Gitlab, ..telling() });
    assert!(!format!("{outgoing:?}").contains("hunter2"));
}

#[test]
fn targets_are_checked_before_they_are_stored() {
    let tekton = |url: &str, pairs: &[(&str, &str)]| Target::Tekton { url: url.to_owned(), headers: headers(pairs) };
    let github = |api_url: &str, repository: Option<&str>, event_type: &str| Target::GithubDispatch {
        api_url: api_url.to_owned(),
        repository: repository.map(str::to_owned),
        event_type: event_type.to_owned(),
    };
    let gitlab = |project: Option<&str>, reference: Option<&str>| Target::GitlabPipeline {
        api_url: "https://gitlab.com/api/v4".to_owned(),
        project: project.map(str::to_owned),
        reference: reference.map(str::to_owned),
    };
    let command = |words: &[&str]| Target::Command { command: words.iter().map(|word| (*word).to_owned()).collect() };
    let api = "https://api.github.com";
    for (target, field) in [
        (tekton("el.example", &[]), "url"),
        (tekton("ftp://el.example", &[]), "url"),
        (tekton("https://user:hunter@el.example/", &[]), "url"),
        (tekton("https://el.example/#a", &[]), "url"),
        (tekton(&format!("https://el.example/{}", "a".repeat(2_000)), &[]), "url"),
        (tekton("https://el.example", &[("ce-id", "1")]), "headers.ce-id"),
        (tekton("https://el.example", &[("Host", "a")]), "headers.Host"),
        (tekton("https://el.example", &[("Authorization", "Bearer hunter")]), "headers.Authorization"),
        (tekton("https://el.example", &[("X-Api-Key", "hunter")]), "headers.X-Api-Key"),
        (tekton("https://el.example", &[("a b", "1")]), "headers.a b"),
        (tekton("https://el.example", &[("X-A", "1\r\nX-B: 2")]), "headers.X-A"),
        (tekton("https://el.example", &[("X-A", "1"), ("x-a", "2")]), "headers.x-a"),
        (
            Target::Webhook { url: "https://a.example".to_owned(), headers: headers(&[("webhook-id", "1")]) },
            "headers.webhook-id",
        ),
        (Target::Flux { url: "https://".to_owned() }, "url"),
        (github("http://api.github.example", None, "a"), "api_url"),
        (github("https://api.github.com?a=b", None, "a"), "api_url"),
        (github(api, Some("owner"), "a"), "repository"),
        (github(api, Some("owner/.."), "a"), "repository"),
        (github(api, Some("owner/a/b"), "a"), "repository"),
        (github(api, None, " "), "event_type"),
        (github(api, None, &"a".repeat(101)), "event_type"),
        (gitlab(Some(""), None), "project"),
        (gitlab(None, Some("a b")), "reference"),
        (command(&[]), "command"),
        (command(&["deploy"]), "command"),
        (command(&["/bin/true", "a\0b"]), "command"),
    ] {
        let error = check_target(&target).map(|()| target).unwrap_err();
        assert_eq!(error.field, field, "{error}");
        assert!(!error.to_string().contains("hunter"), "{error}");
    }
    for target in [
        tekton("http://el-listener.ci.svc:8080/a?b=c", &[("X-Source", "me"), ("Content-Type", "application/json")]),
        github("http://127.0.0.1:8080/api", Some("a.b/c_d-e"), "deploy it"),
        gitlab(Some("a/b/c"), Some("refs/heads/main")),
        command(&["/bin/true", "a b"]),
    ] {
        assert_eq!(check_target(&target), Ok(()), "{target:?}");
    }
}
