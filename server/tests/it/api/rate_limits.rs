//! How often one may ask the API.

use std::net::IpAddr;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use chrono::Utc;
use server::web::{client_address::Connection, rate_limits::SignedIn};
use uuid::Uuid;

use crate::support::{Answer, TestApp, on_each_engine};

const LIMITS: &str = "rate_limits: {enabled: true, anonymous_per_hour: 3, signed_in_per_hour: 5}";

/// Asks as a connection from this address.
async fn ask(app: &TestApp, from: &str, path: &str, more: &[(&str, &str)], account: Option<Uuid>) -> Answer {
    let request = more.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    let mut request = request.body(Body::empty()).unwrap();
    let peer = (from.parse::<IpAddr>().unwrap(), 4_000).into();
    request.extensions_mut().insert(Connection { peer, is_tls: false });
    account.map(|account| request.extensions_mut().insert(SignedIn(account)));
    app.send(request).await
}

#[tokio::test]
async fn the_api_answers_so_often_and_then_says_when_again() {
    on_each_engine(async |app| {
        let app = app.with_config(&format!("server: {{{LIMITS}}}"));
        for left in ["2", "1", "0"] {
            let answer = ask(&app, "203.0.113.9", "/api/v1/jobs", &[], None).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("3", left));
            assert_eq!(answer.header("retry-after"), "");
        }
        // Unknown paths are asked for to find something; what a page says of itself can be written by anybody.
        for (path, header) in
            [("/api/v1/jobs", ("sec-fetch-site", "same-origin")), ("/api/v1/nothing", ("accept", "*/*"))]
        {
            let answer = ask(&app, "203.0.113.9", path, &[header], None).await;
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            let problem = answer.json();
            assert_eq!((&problem["status"], &problem["title"]), (&429.into(), &"Too Many Requests".into()));
            let after: i64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=1_200).contains(&after), "{after}");
            assert!(problem["detail"].as_str().unwrap().contains(&format!("{after} s")), "{problem}");
            assert!(problem["instance"].as_str().unwrap().contains(answer.header("x-request-id")));
            let resets = answer.header("x-ratelimit-reset").parse::<i64>().unwrap() - Utc::now().timestamp();
            assert!((3_590..=3_601).contains(&resets), "{resets}");
        }
        let other = ask(&app, "203.0.113.10", "/api/v1/jobs", &[], None).await;
        assert_eq!(other.status, StatusCode::OK, "others are not touched");
        // Pages, their server functions, health and live updates are not counted.
        for path in ["/", "/repositories", "/health", "/api/health/db", "/assets/none.js", "/favicon.ico"] {
            let answer = ask(&app, "203.0.113.9", path, &[], None).await;
            assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
            assert_eq!(answer.header("x-ratelimit-limit"), "", "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn accounts_have_limits_of_their_own_and_addresses_of_one_party_one() {
    on_each_engine(async |app| {
        let app = app.with_config(&format!("server: {{{LIMITS}, trusted_proxies: [10.0.0.1]}}"));
        let account = Some(Uuid::from_u128(7));
        for from in ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5"] {
            let answer = ask(&app, from, "/api/v1/jobs", &[], account).await;
            assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (StatusCode::OK, "5"));
        }
        let answer = ask(&app, "203.0.113.6", "/api/v1/jobs", &[], account).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(ask(&app, "203.0.113.6", "/api/v1/jobs", &[], None).await.status, StatusCode::OK);
        for last in 1..=3 {
            assert_eq!(ask(&app, &format!("2001:db8::{last}"), "/api/v1/jobs", &[], None).await.status, StatusCode::OK);
        }
        let answer = ask(&app, "2001:db8::4", "/api/v1/jobs", &[], None).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        // Behind a proxy it is the client that counts, and nobody can give itself another address.
        for lie in ["1.1.1.1", "1.1.1.2", "1.1.1.3"] {
            let told = [("x-forwarded-for", format!("{lie}, 198.51.100.7"))];
            let told = told.each_ref().map(|(name, value)| (*name, value.as_str()));
            assert_eq!(ask(&app, "10.0.0.1", "/api/v1/jobs", &told, None).await.status, StatusCode::OK);
        }
        let told = [("x-forwarded-for", "1.1.1.4, 198.51.100.7")];
        let answer = ask(&app, "10.0.0.1", "/api/v1/jobs", &told, None).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    })
    .await;
}

#[tokio::test]
async fn what_only_this_machine_reaches_has_no_limits_unless_it_is_told() {
    on_each_engine(async |app| {
        for (config, is_limited) in [
            ("app: {listen: '127.0.0.1:3000'}", false),
            ("app: {listen: '[::1]:3000'}", false),
            ("app: {listen: '0.0.0.0:3000'}", true),
            ("app: {listen: '127.0.0.1:3000'}\nserver: {trusted_proxies: [127.0.0.1]}", true),
            ("app: {listen: '0.0.0.0:3000'}\nserver: {rate_limits: {enabled: false}}", false),
            ("app: {listen: '127.0.0.1:3000'}\nserver: {rate_limits: {enabled: true}}", true),
        ] {
            let answer = ask(&app.with_config(config), "127.0.0.1", "/api/v1/jobs", &[], None).await;
            assert_eq!(answer.status, StatusCode::OK);
            let told = answer.header("x-ratelimit-limit");
            assert_eq!(told, if is_limited { "100" } else { "" }, "{config}");
        }
    })
    .await;
}
