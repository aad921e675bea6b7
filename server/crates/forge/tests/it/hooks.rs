//! Webhooks as forges send them: signed and not, of branches and of other things.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use forge::hooks::{Hook, HookChange, HookError, HookKind, MAX_HOOK_BYTES, read_hook};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "It's a Secret to Everybody";
const BEFORE: &str = "95790bf891e76fee5e1747ab589903a6a1f80f22";
const AFTER: &str = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7";
const NOTHING: &str = "0000000000000000000000000000000000000000";

fn mac(key: &[u8], signed: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(signed);
    mac.finalize().into_bytes().to_vec()
}

fn hex(signed: &[u8]) -> String {
    mac(SECRET.as_bytes(), signed).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    pairs.iter().map(pair).collect()
}

fn github(event: &str, body: &[u8]) -> Result<Hook, HookError> {
    let signature = format!("sha256={}", hex(body));
    let headers = headers(&[
        ("X-GitHub-Event", event),
        ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("X-Hub-Signature-256", &signature),
    ]);
    read_hook(HookKind::Github, &headers, body, SECRET, Utc::now())
}

fn gitlab(event: &str, body: &Value) -> Result<Hook, HookError> {
    let headers =
        headers(&[("X-Gitlab-Event", event), ("X-Gitlab-Token", SECRET), ("Idempotency-Key", "f5e5f430-f57b-4e6e")]);
    read_hook(HookKind::Gitlab, &headers, body.to_string().as_bytes(), SECRET, Utc::now())
}

fn forgejo(event: &str, body: &Value) -> Result<Hook, HookError> {
    let body = body.to_string();
    let headers = headers(&[
        ("X-Forgejo-Event", event),
        ("X-Gitea-Event", event),
        ("X-Forgejo-Delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473"),
        ("X-Forgejo-Signature", &hex(body.as_bytes())),
    ]);
    read_hook(HookKind::Forgejo, &headers, body.as_bytes(), SECRET, Utc::now())
}

fn change(branch: &str, before: Option<&str>, after: Option<&str>) -> HookChange {
    let commit = |id: &str| id.parse().unwrap();
    HookChange {
        branch: branch.to_owned(),
        before: before.map(commit),
        after: after.map(commit),
        is_deleted: false,
        is_forced: None,
    }
}

/// Where the examples are that the project's set-up fetches from npm.
fn examples() -> Option<Vec<Value>> {
    let fetched = "../../../end2end/standin/schemas/node_modules/@octokit/webhooks-examples";
    let folder = std::env::var_os("KUBESTATS_WEBHOOK_EXAMPLES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(fetched), PathBuf::from);
    let text = std::fs::read_to_string(folder.join("api.github.com/index.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn what_github_publishes_of_its_webhooks_is_read() {
    let Some(examples) = examples() else {
        // In CI everything is there.
        assert!(std::env::var_os("CI").is_none(), "@octokit/webhooks-examples is not here: run .ci/setup test");
        eprintln!(
            "SKIPPED: @octokit/webhooks-examples is not here. Run .ci/setup test, or set KUBESTATS_WEBHOOK_EXAMPLES"
        );
        return;
    };
    let (mut seen, mut changes) = (0, 0);
    for example in &examples {
        let event = example["name"].as_str().unwrap();
        for body in example["examples"].as_array().unwrap() {
            let text = body.to_string();
            let hook = github(event, text.as_bytes()).unwrap_or_else(|error| panic!("{event}: {error}"));
            assert_eq!((hook.event.as_str(), hook.is_ping), (event, event == "ping"));
            let reference = body["ref"].as_str().unwrap_or_default();
            let of_branch = event == "push" && reference.starts_with("refs/heads/")
                || ["create", "delete"].contains(&event) && body["ref_type"] == "branch";
            assert_eq!(hook.change.is_some(), of_branch, "{event} of {reference}");
            if let Some(change) = hook.change {
                assert!(reference.ends_with(&change.branch));
                let told = |name: &str| body[name].as_str().filter(|id| *id != NOTHING).map(|id| id.parse().unwrap());
                assert_eq!((change.before, change.after), (told("before"), told("after")));
                assert_eq!(
                    (Some(change.is_deleted), change.is_forced),
                    (body["deleted"].as_bool(), body["forced"].as_bool())
                );
                changes += 1;
            }
            // The same as a form, which is signed as a whole.
            let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &text).finish();
            let mut with = headers(&[("X-GitHub-Event", event), ("Content-Type", "application/x-www-form-urlencoded")]);
            with.insert("x-hub-signature-256", format!("sha256={}", hex(form.as_bytes())).parse().unwrap());
            let as_form = read_hook(HookKind::Github, &with, form.as_bytes(), SECRET, Utc::now()).unwrap();
            assert_eq!((as_form.event.as_str(), as_form.change.is_some()), (event, of_branch));
            seen += 1;
        }
    }
    assert!(seen > 300 && changes >= 2, "{seen} examples, {changes} of branches");
}

#[test]
fn github_tells_what_became_of_a_branch() {
    let push = |name: &str, before: &str, after: &str, forced: bool| {
        let body = json!({"ref": format!("refs/heads/{name}"), "before": before, "after": after, "forced": forced,
            "created": before == NOTHING, "deleted": after == NOTHING, "commits": [{"id": after}]});
        github("push", body.to_string().as_bytes()).unwrap().change.unwrap()
    };
    let told = HookChange { is_forced: Some(false), ..change("feature/gr\u{fc}n", Some(BEFORE), Some(AFTER)) };
    assert_eq!(push("feature/gr\u{fc}n", BEFORE, AFTER, false), told);
    assert_eq!(push("main", NOTHING, AFTER, false).before, None);
    assert_eq!(push("main", BEFORE, AFTER, true).is_forced, Some(true));
    let deleted = push("main", BEFORE, NOTHING, false);
    assert!(deleted.is_deleted && deleted.after.is_none());
    for (event, kind, expected) in [
        ("create", "branch", Some(false)),
        ("delete", "branch", Some(true)),
        ("create", "tag", None),
        ("delete", "tag", None),
    ] {
        let body = json!({"ref": "x/y", "ref_type": kind, "master_branch": "main"}).to_string();
        let hook = github(event, body.as_bytes()).unwrap();
        assert_eq!(hook.change.as_ref().map(|change| change.is_deleted), expected, "{event} of a {kind}");
        assert!(hook.change.is_none_or(|change| change.branch == "x/y" && change.after.is_none()));
    }
    let ping = github("ping", br#"{"zen": "Design for failure.", "hook_id": 1}"#).unwrap();
    assert!(ping.is_ping && ping.change.is_none());
    assert!(ping.delivery_id.starts_with("body-"), "anybody who saw a signed body may write an id beside it");
}

#[test]
fn gitlab_tells_pushes_and_shows_its_token() {
    let body = |after: &str| {
        json!({"object_kind": "push", "event_name": "push", "before": BEFORE, "after": after, "ref": "refs/heads/master",
            "checkout_sha": null, "user_id": 4, "project_id": 15, "project": {"id": 15, "default_branch": "master"},
            "commits": [], "total_commits_count": 4})
    };
    let hook = gitlab("Push Hook", &body(AFTER)).unwrap();
    assert_eq!(hook.change, Some(change("master", Some(BEFORE), Some(AFTER))));
    assert_eq!((hook.event.as_str(), hook.delivery_id.as_str()), ("Push Hook", "f5e5f430-f57b-4e6e"));
    assert!(gitlab("Push Hook", &body(NOTHING)).unwrap().change.unwrap().is_deleted);
    assert!(gitlab("System Hook", &body(AFTER)).unwrap().change.is_some());
    let tag = json!({"object_kind": "tag_push", "before": NOTHING, "after": AFTER, "ref": "refs/tags/v1.0.0"});
    for event in ["Tag Push Hook", "System Hook", "Issue Hook"] {
        assert_eq!(gitlab(event, &tag).unwrap().change, None, "{event}");
    }
    // Without a key that stays the same, two events that one webhook led to must not be taken for one.
    let of = |id: &str, after: &str| {
        let headers =
            headers(&[("X-Gitlab-Event", "Push Hook"), ("X-Gitlab-Token", SECRET), ("X-Gitlab-Event-UUID", id)]);
        read_hook(HookKind::Gitlab, &headers, body(after).to_string().as_bytes(), SECRET, Utc::now())
            .unwrap()
            .delivery_id
    };
    assert_eq!(of("one", AFTER), of("one", AFTER));
    assert!(of("one", AFTER) != of("one", BEFORE) && of("one", AFTER) != of("two", AFTER));
}

#[test]
fn gitlabs_signing_token_is_good_as_well() {
    let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let body = json!({"object_kind": "push", "ref": "refs/heads/main", "before": BEFORE, "after": AFTER}).to_string();
    let signed = format!("id-1.{}.{body}", now.timestamp());
    let signature = format!("v1,{}", BASE64_STANDARD.encode(mac(SECRET.as_bytes(), signed.as_bytes())));
    let time = now.timestamp().to_string();
    let pairs = [
        ("X-Gitlab-Event", "Push Hook"),
        ("webhook-id", "id-1"),
        ("webhook-timestamp", time.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    let hook = read_hook(HookKind::Gitlab, &headers(&pairs), body.as_bytes(), SECRET, now).unwrap();
    assert_eq!((hook.delivery_id.as_str(), hook.change.unwrap().branch.as_str()), ("id-1", "main"));
    let changed = body.replace("main", "evil");
    let error = read_hook(HookKind::Gitlab, &headers(&pairs), changed.as_bytes(), SECRET, now).unwrap_err();
    assert_eq!(error, HookError::WrongSignature { header: "webhook-signature" });
}

#[test]
fn forgejo_tells_pushes_new_branches_and_deleted_ones() {
    let body = json!({"ref": "refs/heads/develop", "before": BEFORE, "after": AFTER, "compare_url": "http://localhost:3000/x",
        "commits": [{"id": AFTER, "message": "Webhooks Yay!", "added": null}], "repository": {"id": 140, "name": "webhooks"},
        "pusher": {"id": 1, "login": "forgejo"}});
    let hook = forgejo("push", &body).unwrap();
    assert_eq!(hook.change, Some(change("develop", Some(BEFORE), Some(AFTER))));
    assert_eq!(hook.delivery_id, forgejo("push", &body).unwrap().delivery_id, "of the body, which is signed");
    let made = json!({"sha": AFTER, "ref": "release/1.0", "ref_type": "branch", "repository": {"id": 140}});
    assert_eq!(forgejo("create", &made).unwrap().change, Some(change("release/1.0", None, Some(AFTER))));
    let gone = json!({"ref": "release/1.0", "ref_type": "branch", "pusher_type": "user"});
    let expected = HookChange { is_deleted: true, ..change("release/1.0", None, None) };
    assert_eq!(forgejo("delete", &gone).unwrap().change, Some(expected));
    assert_eq!(forgejo("create", &json!({"sha": AFTER, "ref": "v1", "ref_type": "tag"})).unwrap().change, None);
    // Gitea's names of headers, and a form, of which the text within is signed.
    let text = body.to_string();
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &text).finish();
    let with = headers(&[
        ("X-Gitea-Event", "push"),
        ("X-Gitea-Delivery", "one"),
        ("X-Gitea-Signature", &hex(text.as_bytes())),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ]);
    assert_eq!(
        read_hook(HookKind::Forgejo, &with, form.as_bytes(), SECRET, Utc::now()).unwrap().change.unwrap().branch,
        "develop"
    );
    let github_alike =
        headers(&[("X-Gitea-Event", "push"), ("X-Hub-Signature-256", &format!("sha256={}", hex(text.as_bytes())))]);
    assert!(read_hook(HookKind::Forgejo, &github_alike, text.as_bytes(), SECRET, Utc::now()).is_ok());
}

/// Secret, id, time, body and signature of the specification's own tests.
const STANDARD: (&str, &str, i64, &str, &str) = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1_614_265_330,
    "{\"test\": 2432232314}",
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
);

#[test]
fn webhooks_of_the_standard_are_good_for_minutes() {
    let (secret, id, seconds, body, signature) = STANDARD;
    let at = |seconds: i64| DateTime::<Utc>::from_timestamp(seconds, 0).unwrap();
    let read = |signatures: &str, secret: &str, now: i64| {
        let time = seconds.to_string();
        let pairs = [("webhook-id", id), ("webhook-timestamp", &*time), ("webhook-signature", signatures)];
        read_hook(HookKind::Generic, &headers(&pairs), body.as_bytes(), secret, at(now))
    };
    let hook = read(signature, secret, seconds).unwrap();
    assert_eq!(hook, Hook { delivery_id: id.to_owned(), event: "notify".to_owned(), change: None, is_ping: false });
    // Several while a secret is replaced, and versions to come.
    assert!(read(&format!("v2,abc v1,AAAA {signature}"), secret, seconds + 299).is_ok());
    assert!(read(signature, secret.trim_start_matches("whsec_"), seconds - 299).is_ok());
    for (signatures, secret) in [("v1,AAAA", secret), (signature, "whsec_"), (signature, "whsec_AAAA"), (signature, "")]
    {
        let error = read(signatures, secret, seconds).unwrap_err();
        assert!(matches!(error, HookError::WrongSignature { .. }), "{error:?}");
    }
    assert_eq!(read(signature, secret, seconds + 301), Err(HookError::Stale { seconds: 301 }));
    let early = read(signature, secret, seconds - 400).unwrap_err();
    assert!(early.to_string().contains("400 seconds ahead of time"), "{early}");
}

#[test]
fn anybody_who_signs_may_say_that_there_is_something_new() {
    let generic = |body: &str| {
        let with = headers(&[
            ("X-Signature", &format!("sha256={}", hex(body.as_bytes()))),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ]);
        read_hook(HookKind::Generic, &with, body.as_bytes(), SECRET, Utc::now())
    };
    let told = json!({"ref": "refs/heads/main", "before": BEFORE, "after": AFTER}).to_string();
    let hook = generic(&told).unwrap();
    assert_eq!((hook.event.as_str(), hook.change), ("push", Some(change("main", Some(BEFORE), Some(AFTER)))));
    assert_eq!(generic(&told).unwrap().delivery_id, hook.delivery_id);
    assert_eq!(generic(r#"{"ref": "main"}"#).unwrap().change, Some(change("main", None, None)));
    assert_eq!(generic(r#"{"ref": "refs/tags/v1"}"#).unwrap().change, None);
    let (one, other) = (generic("").unwrap(), generic("").unwrap());
    assert_eq!((one.event.as_str(), &one.change), ("notify", &None));
    // Nothing tells them apart but when they came.
    assert_ne!(one.delivery_id, other.delivery_id);
    for wrong in
        ["{", "7", r#"{"ref": 7}"#, r#"{"ref": ""}"#, r#"{"ref": "a\u0000b"}"#, r#"{"ref": "a", "after": "xyz"}"#]
    {
        assert!(matches!(generic(wrong), Err(HookError::Malformed { .. })), "{wrong}: {:?}", generic(wrong));
    }
}

#[test]
fn whoever_does_not_know_the_secret_is_told_so_and_nothing_else() {
    let body = json!({"ref": "refs/heads/main", "before": BEFORE, "after": AFTER}).to_string();
    let good = format!("sha256={}", hex(body.as_bytes()));
    assert_eq!(format!("sha256={}", hex(b"Hello, World!")), GITHUBS_OWN, "the example of GitHub's documentation");
    let read = |kind, pairs: &[(&str, &str)], secret: &str| {
        read_hook(kind, &headers(pairs), body.as_bytes(), secret, Utc::now())
    };
    for (kind, event, name) in [
        (HookKind::Github, "X-GitHub-Event", "X-Hub-Signature-256"),
        (HookKind::Forgejo, "X-Forgejo-Event", "X-Forgejo-Signature"),
        (HookKind::Generic, "X-Event", "X-Signature"),
        (HookKind::Gitlab, "X-Gitlab-Event", "X-Gitlab-Token"),
    ] {
        let right = if kind == HookKind::Gitlab { SECRET } else { &*good };
        assert!(read(kind, &[(event, "push"), (name, right)], SECRET).is_ok(), "{kind:?}");
        let unsigned = read(kind, &[(event, "push")], SECRET).unwrap_err();
        assert!(matches!(unsigned, HookError::Unsigned { .. }), "{kind:?}: {unsigned:?}");
        for (wrong, secret) in [
            (&right[..right.len() - 1], SECRET),
            ("sha256=", SECRET),
            ("sha256=zz", SECRET),
            ("x", SECRET),
            (right, "other"),
            (right, ""),
        ] {
            let error = read(kind, &[(event, "push"), (name, wrong)], secret).unwrap_err();
            assert!(matches!(error, HookError::WrongSignature { .. }), "{kind:?} {wrong}: {error:?}");
            assert!(!error.to_string().contains(SECRET));
        }
    }
    // The older signature is not enough.
    let old =
        read(HookKind::Github, &[("X-GitHub-Event", "push"), ("X-Hub-Signature", "sha1=00")], SECRET).unwrap_err();
    assert!(matches!(old, HookError::Unsigned { expected: "X-Hub-Signature-256" }));
    let large = vec![b' '; MAX_HOOK_BYTES + 1];
    let error = read_hook(HookKind::Github, &HeaderMap::new(), &large, SECRET, Utc::now()).unwrap_err();
    assert_eq!(error, HookError::TooLarge { limit: MAX_HOOK_BYTES });
}

/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation>
const GITHUBS_OWN: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

#[test]
fn what_is_signed_and_makes_no_sense_is_told_where() {
    for (event, body, said) in [
        ("push", "", "no such JSON"),
        ("push", "7", "no such JSON"),
        ("push", r#"{"before": "x"}"#, "has no `ref`"),
        ("push", r#"{"ref": "refs/heads/"}"#, "no name of a branch"),
        ("push", r#"{"ref": "refs/heads/a", "after": "short"}"#, "its `after` is no commit"),
        ("push", r#"{"ref": ["refs/heads/a"]}"#, "`ref`"),
        ("create", r#"{"ref_type": "branch"}"#, "has no `ref`"),
    ] {
        let error = github(event, body.as_bytes()).unwrap_err();
        assert!(matches!(&error, HookError::Malformed { .. }) && error.to_string().contains(said), "{body}: {error}");
    }
    let long = json!({"ref": format!("refs/heads/{}", "x".repeat(1_025))}).to_string();
    assert!(matches!(github("push", long.as_bytes()), Err(HookError::Malformed { .. })));
    // Depth is bounded, and what is not read does not matter.
    let deep = format!("{{\"ref\": {}", "[".repeat(100_000));
    assert!(matches!(github("push", deep.as_bytes()), Err(HookError::Malformed { .. })));
    let odd = json!({"ref": "refs/heads/a", "after": AFTER, "sender": {"deleted": 7}, "commits": 3}).to_string();
    assert_eq!(github("push", odd.as_bytes()).unwrap().change, Some(change("a", None, Some(AFTER))));
    let no_event = headers(&[("X-Hub-Signature-256", &format!("sha256={}", hex(b"{}")))]);
    let error = read_hook(HookKind::Github, &no_event, b"{}", SECRET, Utc::now()).unwrap_err();
    assert!(error.to_string().contains("x-github-event"), "{error}");
}
