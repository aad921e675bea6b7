//! What lets nobody in is counted as what strangers ask.

use std::net::IpAddr;
use std::time::Instant;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::TimeDelta;
use server::web::client_address::Connection;
use store::accounts;

use super::people::{account, known};
use crate::support::{Answer, TestApp, on_each_engine};

/// Asks with a token, as a connection from this address.
async fn bring(app: &TestApp, from: &str, path: &str, token: &str) -> Answer {
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let mut request = request.body(Body::empty()).unwrap();
    let peer = (from.parse::<IpAddr>().unwrap(), 4_000).into();
    request.extensions_mut().insert(Connection { peer, is_tls: false });
    app.send(request).await
}

/// An access token of a session that is over.
async fn ended(app: &TestApp) -> String {
    let (id, _) = account(app, "ada@example.org", "user").await;
    let nobody = actions::Actor::nobody(actions::Door::Api, true);
    let lasts = TimeDelta::days(1);
    let who = known(app, id).await;
    let started = actions::accounts::start_api_session(&app.state.actions, &nobody, &who, None, lasts).await;
    let (session, holder, _) = started.unwrap();
    accounts::delete_sessions(&app.state.db.write, id, None).await.unwrap();
    app.state.identity.access_token(&holder, session)
}

#[tokio::test]
async fn tokens_that_do_not_work_are_refused_a_hundred_times_an_hour_and_then_later() {
    on_each_engine(async |app| {
        let app = app.with_config("server: {rate_limits: {enabled: true}}");
        // One that nobody has, one of a session that is over, and one that is none: each is looked up, or could be.
        let dead = [auth::token::mint().text.to_string(), ended(&app).await, "no-token".to_owned()];
        let began = Instant::now();
        for (left, token) in (0..100).rev().zip(dead.iter().cycle()) {
            let answer = bring(&app, "203.0.113.9", "/api/v1/jobs", token).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{left} are left: {}", answer.text());
            assert_eq!(answer.header("x-ratelimit-limit"), "100");
            assert!(answer.header("x-ratelimit-remaining").parse::<u32>().is_ok());
            assert!(answer.header("x-ratelimit-reset").parse::<i64>().is_ok());
        }
        // So slow a machine that some of the hour's tries came back meanwhile uses these up too.
        for _ in 0..began.elapsed().as_secs() / 36 {
            bring(&app, "203.0.113.9", "/api/v1/jobs", &dead[0]).await;
        }
        for token in &dead {
            let answer = bring(&app, "203.0.113.9", "/api/v1/jobs", token).await;
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(answer.header("x-ratelimit-remaining"), "0");
            assert!(answer.header("retry-after").parse::<u32>().is_ok());
        }
        // Others are not touched, nor is who has a token that works, wherever they ask from.
        assert_eq!(bring(&app, "203.0.113.10", "/api/v1/jobs", &dead[0]).await.status, StatusCode::FORBIDDEN);
        assert_eq!(bring(&app, "203.0.113.9", "/api/v1/jobs", &app.token).await.status, StatusCode::OK);
        // Pages have no such limit.
        let page = bring(&app, "203.0.113.9", "/repositories", &dead[0]).await;
        assert_eq!((page.status, page.header("x-ratelimit-limit")), (StatusCode::FORBIDDEN, ""));
    })
    .await;
}
