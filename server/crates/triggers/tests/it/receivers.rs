//! Sending to receivers as they are: that answer, hang, break off, move away, and never end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use entity::kind::Provider;
use entity::view::{MASK, Target};
use net::{AddressGuard, parse_network};
use triggers::{Client, Outgoing, SendEnd, Sent, TargetSecrets, Telling, build_request, knock, send};

use crate::receiver::{Manner, Receiver};
use crate::{WEBHOOK_SECRET, described, headers, secret, telling};

/// What is answered at all is so by then.
const SOON: Duration = Duration::from_mins(1);
/// For receivers that hang; enough for those that say something before.
const A_MOMENT: Duration = Duration::from_millis(1_500);

fn client() -> Client {
    Client::new(Arc::new(AddressGuard::new([parse_network("127.0.0.1").unwrap()]))).unwrap()
}

fn tekton(url: &str) -> Outgoing {
    let target = Target::Tekton { url: url.to_owned(), headers: headers(&[("X-Team", "blue")]) };
    build_request(&target, &secret("hunter-2"), &telling()).unwrap()
}

fn webhook(url: &str) -> Outgoing {
    let target = Target::Webhook { url: url.to_owned(), headers: headers(&[]) };
    build_request(&target, &secret(WEBHOOK_SECRET), &telling()).unwrap()
}

async fn to(receiver: &Receiver) -> Sent {
    send(&client(), &webhook(&receiver.url), SOON).await
}

fn failed(sent: &Sent) -> (&str, Option<u64>) {
    match &sent.end {
        SendEnd::Failed { why, retry_after } => (why, retry_after.map(|wait| wait.as_secs())),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_sent_arrives_as_it_was_made_and_the_answer_is_kept() {
    let answer = r#"{"eventListener":"l","namespace":"n","eventListenerUID":"u","eventID":"14a657c3"}"#;
    let receiver = Receiver::answering("202 Accepted", "content-type: application/json\r\n", answer).await;
    let outgoing = tekton(&receiver.url);
    let sent = send(&client(), &outgoing, SOON).await;
    assert_eq!(sent.end, SendEnd::Delivered);
    assert_eq!((sent.status, sent.answer_id.as_deref()), (Some(202), Some("14a657c3")));
    assert_eq!(sent.answer.as_deref(), Some(answer));
    assert!(sent.duration > Duration::ZERO && sent.duration < SOON);
    let [request]: [String; 1] = receiver.requests().try_into().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let shown = outgoing.shown();
    assert_eq!(body, shown.body);
    assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
    let lines: Vec<&str> = head.lines().skip(1).collect();
    let mut at = 0;
    for (name, value) in &shown.headers {
        let value = value.replace(MASK, "hunter-2");
        let expected = format!("{}: {value}", name.to_ascii_lowercase());
        let found =
            lines.iter().position(|line| *line == expected).unwrap_or_else(|| panic!("no {expected} in {head}"));
        assert!(found >= at, "{name} stands before {}", lines[at]);
        at = found;
    }
}

#[tokio::test]
async fn the_address_of_whoever_wrote_a_commit_is_sent_and_not_kept() {
    let receiver = Receiver::answering("400 Bad Request", "", "who is ada@example.org?").await;
    let target = Target::Webhook { url: receiver.url.clone(), headers: headers(&[]) };
    let told = Telling { commit: Some(described()), ..telling() };
    let outgoing = build_request(&target, &secret(WEBHOOK_SECRET), &told).unwrap();
    let sent = send(&client(), &outgoing, SOON).await;
    let [request]: [String; 1] = receiver.requests().try_into().unwrap();
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(body.contains(r#""email":"ada@example.org""#), "{body}");
    assert_eq!(outgoing.shown().body, body.replace("ada@example.org", MASK));
    assert_eq!(sent.answer, Some(format!("who is {MASK}?")));
    assert!(!failed(&sent).0.contains("ada@"), "{sent:?}");
}

#[tokio::test]
async fn answers_of_500_and_429_are_tried_again_when_they_say() {
    let sent = to(&Receiver::answering("500 Internal Server Error", "", "it broke\n").await).await;
    assert_eq!(failed(&sent), ("answers 500 Internal Server Error: it broke", None));
    assert_eq!((sent.status, sent.answer.as_deref()), (Some(500), Some("it broke\n")));
    let sent = to(&Receiver::answering("429 Too Many Requests", "retry-after: 120\r\n", "").await).await;
    assert_eq!(failed(&sent), ("answers 429 Too Many Requests", Some(120)));
    assert_eq!(sent.answer, None);
    let date = (chrono::Utc::now() + chrono::TimeDelta::seconds(60)).format("%a, %d %b %Y %H:%M:%S GMT");
    let sent = to(&Receiver::answering("503 Service Unavailable", &format!("retry-after: {date}\r\n"), "").await).await;
    assert!(failed(&sent).1.is_some_and(|wait| (55..=60).contains(&wait)), "{sent:?}");
}

#[tokio::test]
async fn a_target_that_is_gone_says_so_once() {
    let sent = to(&Receiver::answering("410 Gone", "", "").await).await;
    assert_eq!(sent.end, SendEnd::Gone { why: "answers 410 Gone".to_owned() });
}

#[tokio::test]
async fn receivers_that_hang_are_left_in_time() {
    let receiver = Receiver::new(Manner::Hangs).await;
    let started = Instant::now();
    let sent = send(&client(), &webhook(&receiver.url), A_MOMENT).await;
    assert_eq!(failed(&sent), ("does not answer within 1.5 s", None));
    assert!(started.elapsed() < SOON);
    let stalled = Receiver::new(Manner::Stalls("HTTP/1.1 500 Oh\r\ncontent-length: 10\r\n\r\nsome")).await;
    let sent = send(&client(), &webhook(&stalled.url), A_MOMENT).await;
    assert_eq!(failed(&sent), ("answers 500 Internal Server Error: some", None));
    let half = Receiver::new(Manner::Stalls("HTTP/1.1 200 OK\r\ncontent-le")).await;
    let sent = send(&client(), &webhook(&half.url), A_MOMENT).await;
    assert_eq!(failed(&sent).0, "does not answer within 1.5 s");
}

#[tokio::test]
async fn receivers_that_close_are_tried_again() {
    for manner in
        [Manner::Closes, Manner::Breaks(""), Manner::Breaks("HTTP/1.1 200"), Manner::Breaks("nonsense\r\n\r\n")]
    {
        let sent = to(&Receiver::new(manner).await).await;
        let (why, _) = failed(&sent);
        assert!(why.starts_with("gives no answer: "), "{why}");
        assert_eq!(sent.status, None);
    }
    // Who takes it and then breaks off has taken it.
    let sent = to(&Receiver::new(Manner::Breaks("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nsome")).await).await;
    assert_eq!((&sent.end, sent.answer.as_deref()), (&SendEnd::Delivered, Some("some")));
    let nobody = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let sent = send(&client(), &webhook(&nobody), SOON).await;
    assert!(failed(&sent).0.starts_with("can't be reached: "), "{sent:?}");
}

#[tokio::test]
async fn answers_without_end_are_kept_to_their_beginning() {
    let started = Instant::now();
    let sent = to(&Receiver::new(Manner::Endless).await).await;
    assert_eq!(sent.end, SendEnd::Delivered);
    assert_eq!(sent.answer.map(|answer| answer.len()), Some(16 << 10));
    assert!(started.elapsed() < SOON);
}

#[tokio::test]
async fn redirects_are_not_followed_and_inward_ones_are_refused() {
    let elsewhere = Receiver::answering("200 OK", "", "").await;
    let moved = Receiver::answering("307 Temporary Redirect", &format!("location: {}\r\n", elsewhere.url), "").await;
    let sent = to(&moved).await;
    let (why, _) = failed(&sent);
    assert!(why.contains("answers 307 and leads to") && why.contains(&elsewhere.url), "{why}");
    assert!(elsewhere.requests().is_empty());
    for inward in ["http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://[::1]/", "http://127.1.2.3/"]
    {
        let sent =
            to(&Receiver::answering("308 Permanent Redirect", &format!("location: {inward}\r\n"), "").await).await;
        let SendEnd::Refused { why } = &sent.end else { panic!("{inward}: {sent:?}") };
        assert!(why.contains("not followed") && why.contains("security.allowed_networks"), "{why}");
    }
}

#[tokio::test]
async fn nothing_is_sent_to_addresses_of_the_inside() {
    let receiver = Receiver::answering("200 OK", "", "").await;
    let guarded = Client::new(Arc::new(AddressGuard::new([]))).unwrap();
    for url in [receiver.url.clone(), receiver.url.replace("127.0.0.1", "localhost")] {
        let sent = send(&guarded, &webhook(&url), SOON).await;
        // It may be allowed by the time that it is tried again.
        let (why, _) = failed(&sent);
        assert!(why.contains("security.allowed_networks"), "{why}");
    }
    assert!(receiver.requests().is_empty());
    let sent = send(&guarded, &webhook("https://no-such-host.invalid/"), SOON).await;
    assert!(failed(&sent).0.contains("leads nowhere"), "{sent:?}");
}

#[tokio::test]
async fn secrets_that_are_sent_back_are_masked() {
    let receiver = Receiver::answering("401 Unauthorized", "", "Bearer hunter-2 is wrong\0").await;
    let sent = send(&client(), &tekton(&receiver.url), SOON).await;
    assert_eq!(sent.answer.as_deref(), Some(format!("Bearer {MASK} is wrong\u{fffd}").as_str()));
    let (why, _) = failed(&sent);
    assert!(why.contains(MASK) && !why.contains("hunter"), "{why}");
}

#[tokio::test]
async fn forges_that_refuse_are_not_asked_again() {
    let dispatch = |api_url: &str| {
        let target =
            Target::GithubDispatch { api_url: api_url.to_owned(), repository: None, event_type: "go".to_owned() };
        build_request(&target, &secret("ghp_hunter"), &telling()).unwrap()
    };
    let receiver = Receiver::answering("422 Unprocessable Entity", "", r#"{"message":"Invalid request"}"#).await;
    let sent = send(&client(), &dispatch(&receiver.url), SOON).await;
    assert!(matches!(&sent.end, SendEnd::Refused { why } if why.contains("Invalid request")), "{sent:?}");
    let request = receiver.requests().pop().unwrap();
    assert!(request.starts_with("POST /hook/repos/Owner/Test-Repo/dispatches HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer ghp_hunter\r\n"), "{request}");
    let done = Receiver::new(Manner::Answers("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned())).await;
    assert_eq!(send(&client(), &dispatch(&done.url), SOON).await.end, SendEnd::Delivered);
    let target = Target::GitlabPipeline { api_url: done.url.clone(), project: None, reference: None };
    let told = Telling { provider: Provider::Gitlab, ..telling() };
    let receiver = Receiver::answering("201 Created", "", r#"{"id":257,"web_url":"https://gitlab.com/a"}"#).await;
    let outgoing = build_request(&target, &secret("glptt-hunter"), &told).unwrap();
    assert_eq!(send(&client(), &outgoing, SOON).await.answer_id, None);
    let target = Target::GitlabPipeline { api_url: receiver.url.clone(), project: None, reference: None };
    let outgoing = build_request(&target, &secret("glptt-hunter"), &told).unwrap();
    let sent = send(&client(), &outgoing, SOON).await;
    assert_eq!((sent.end, sent.answer_id.as_deref()), (SendEnd::Delivered, Some("257")));
}

#[tokio::test]
async fn a_line_that_was_closed_meanwhile_costs_no_attempt() {
    let receiver = Receiver::new(Manner::Answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned())).await;
    let client = client();
    for round in 1..=3 {
        let sent = send(&client, &webhook(&receiver.url), SOON).await;
        assert_eq!(sent.end, SendEnd::Delivered, "round {round}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(receiver.requests().len(), 3);
    let flux = Target::Flux { url: receiver.url.clone() };
    let outgoing = build_request(&flux, &TargetSecrets::default(), &telling()).unwrap();
    assert_eq!(send(&client, &outgoing, SOON).await.answer.as_deref(), Some("ok"));
}

#[tokio::test]
async fn a_sign_of_life_is_asked_for_where_the_guard_allows_and_tells_nothing() {
    let receiver = Receiver::answering("302 Found", "location: http://127.0.0.1:1/\r\n", "moved").await;
    let url = receiver.url.parse().unwrap();
    assert_eq!(knock(&client(), &url, SOON).await, Ok(302), "no redirect is followed");
    let [request]: [String; 1] = receiver.requests().try_into().unwrap();
    assert!(request.starts_with("GET /hook HTTP/1.1\r\n") && request.ends_with("\r\n\r\n"), "{request}");
    let public = Client::new(Arc::new(AddressGuard::default())).unwrap();
    let refused = knock(&public, &url, SOON).await.unwrap_err();
    assert!(refused.contains("security.allowed_networks"), "{refused}");
    assert_eq!(receiver.requests().len(), 1, "whom the guard refuses is not asked");
    let gone = knock(&client(), &"http://127.0.0.1:1/".parse().unwrap(), SOON).await.unwrap_err();
    assert!(gone.contains("can't be reached"), "{gone}");
}
