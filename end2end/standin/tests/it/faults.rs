//! Each fault does what it says, where and as often as it was told to.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use standin::{Fault, Kind, Rule, TOKEN};

use crate::support::{git, town};

#[tokio::test]
async fn answers_of_a_broken_server_come_as_often_as_they_were_ordered() {
    let town = town(1).await;
    let github = town.standin.github();
    let url = format!("{}/repos/{}", github.url(), github.repositories()[0].full_name());
    let search = format!("{}/search/repositories?q=topic:kubesearch", github.url());
    github.fail(Rule::new(Fault::Status { code: 500 }).on("/repos/").after(1).times(2));
    github.fail(Rule::new(Fault::Status { code: 502 }).on("/search/"));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(town.get(&url, Some(TOKEN)).await.status);
    }
    assert_eq!(seen, [200, 500, 500, 200]);
    let broken = town.get(&search, Some(TOKEN)).await;
    assert_eq!((broken.status, broken.header("content-type")), (502, Some("text/html")));
    github.clear_faults();
    assert_eq!(town.get(&search, Some(TOKEN)).await.status, 200);
    assert_eq!(github.counters().faulted, 3);
}

#[tokio::test]
async fn each_kind_of_limit_has_its_own_face() {
    let town = town(1).await;
    let github = town.standin.github();
    let url = format!("{}/repos/{}", github.url(), github.repositories()[0].full_name());
    let once = |fault| github.fail(Rule::new(fault).times(1));

    once(Fault::SecondaryLimit { retry_after: Some(7) });
    let got = town.get(&url, Some(TOKEN)).await;
    assert_eq!((got.status, got.header("retry-after"), got.header("x-ratelimit-remaining")), (403, Some("7"), None));
    assert!(got.body["message"].as_str().unwrap().contains("secondary rate limit"));

    once(Fault::TooMany { retry_after: None });
    let got = town.get(&url, Some(TOKEN)).await;
    assert_eq!((got.status, got.header("retry-after")), (429, None));

    once(Fault::BadCredentials);
    assert_eq!(town.get(&url, Some(TOKEN)).await.body["message"], "Bad credentials");
    once(Fault::Blocked);
    assert_eq!(town.get(&url, Some(TOKEN)).await.status, 451);

    // A primary limit lasts until its reset, beyond the one request that it was ordered for.
    once(Fault::PrimaryLimit { reset: 4 });
    for _ in 0..2 {
        let got = town.get(&url, Some(TOKEN)).await;
        assert_eq!((got.status, got.header("x-ratelimit-remaining")), (403, Some("0")));
    }
    tokio::time::sleep(Duration::from_millis(4_100)).await;
    assert_eq!(town.get(&url, Some(TOKEN)).await.status, 200);
    once(Fault::PrimaryLimit { reset: 60 });
    let got = town.graphql("{ rateLimit { cost } }", json!({})).await;
    assert_eq!((got.status, got.body["errors"][0]["type"].as_str()), (200, Some("RATE_LIMITED")));
    assert_eq!(got.header("x-ratelimit-remaining"), Some("0"));
}

#[tokio::test]
async fn bodies_are_cut_garbled_stripped_late_and_endless() {
    let town = town(1).await;
    let github = town.standin.github();
    let url = format!("{}/repos/{}", github.url(), github.repositories()[0].full_name());

    github.fail(Rule::new(Fault::Cut).times(1));
    let response = town.http.get(&url).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err(), "a cut body is no whole body");

    github.fail(Rule::new(Fault::WrongJson).times(1));
    let got = town.get(&url, Some(TOKEN)).await;
    assert_eq!((got.status, got.header("content-type")), (200, Some("application/json")));
    assert!(matches!(got.body, Value::String(_)), "it must not parse");

    github.fail(Rule::new(Fault::MissingFields { fields: vec!["id".to_owned(), "pushed_at".to_owned()] }).times(1));
    let got = town.get(&url, Some(TOKEN)).await;
    assert!(
        got.body.get("id").is_none() && got.body.get("pushed_at").is_none() && got.body["owner"].get("id").is_none()
    );
    assert!(got.body.get("full_name").is_some());

    github.fail(Rule::new(Fault::Slow { ms: 120 }).times(1));
    let began = Instant::now();
    assert_eq!(town.get(&url, Some(TOKEN)).await.status, 200);
    assert!(began.elapsed() >= Duration::from_millis(120));

    github.fail(Rule::new(Fault::Endless).times(1));
    let mut response = town.http.get(&url).bearer_auth(TOKEN).send().await.unwrap();
    let mut bytes = 0;
    while bytes < 4 << 20 {
        bytes += response.chunk().await.unwrap().expect("it goes on").len();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn git_meets_the_same_faults() {
    let town = town(1).await;
    for kind in Kind::ALL {
        let forge = town.standin.forge(kind);
        let url = forge.clone_url(&forge.repositories()[0].full_name());
        let into = town.folder.path().join(format!("{kind:?}"));
        let into = into.to_str().unwrap();
        forge.fail(Rule::new(Fault::Status { code: 502 }).on("/info/refs").times(1));
        assert!(git(&["clone", "--quiet", &url, into]).await.unwrap_err().contains("502"));
        // The first POST lists the refs; what is cut is the pack.
        forge.fail(Rule::new(Fault::Cut).on("/git-upload-pack").after(1).times(1));
        assert!(git(&["clone", "--quiet", &url, into]).await.is_err());
        git(&["clone", "--quiet", &url, into]).await.unwrap();
        assert!(forge.faults().is_empty());
    }
}
