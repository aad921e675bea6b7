//! An issuer that lies, and one that is broken.

use std::time::Duration;

use auth::oidc::Provider;
use auth::{Begun, Http, Identity, SignInError};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::issuer::{Issuer, Key, Play};
use crate::support::{CLIENT, REDIRECT, SECRET, http, http_within, query};

async fn provider(issuer: &Issuer) -> Result<Provider, SignInError> {
    Provider::discover(&issuer.url, CLIENT, Some(SECRET), REDIRECT, &http()).await
}

async fn sign_in(issuer: &Issuer, provider: &Provider) -> Result<Identity, SignInError> {
    let begun = provider.begin(&["email", "profile"]);
    let code = issuer.agree(&begun.url);
    provider.finish(&code, Some(&issuer.url), &begun).await
}

/// One sign-in at an issuer that somebody has changed.
async fn changed(change: impl FnOnce(&mut Play)) -> Result<Identity, SignInError> {
    changed_by(&http(), change).await
}

/// The same by this client.
async fn changed_by(http: &Http, change: impl FnOnce(&mut Play)) -> Result<Identity, SignInError> {
    let issuer = Issuer::start().await;
    change(&mut issuer.play());
    let provider = Provider::discover(&issuer.url, CLIENT, Some(SECRET), REDIRECT, http).await?;
    sign_in(&issuer, &provider).await
}

fn untrusted(found: Result<Identity, SignInError>) -> String {
    match found {
        Err(SignInError::Untrusted { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn somebody_is_who_the_issuer_says() {
    let issuer = Issuer::start().await;
    let provider = provider(&issuer).await.unwrap();
    let begun = provider.begin(&["openid", "email"]);
    let asked = query(&begun.url);
    assert!(begun.url.starts_with(&format!("{}/authorize?", issuer.url)), "{}", begun.url);
    assert_eq!((asked["scope"].as_str(), asked["redirect_uri"].as_str()), ("openid email", REDIRECT));
    assert!(begun.is_state(&asked["state"]));
    assert_eq!(asked["nonce"], begun.nonce);
    assert!(begun.state.len() >= 43 && begun.nonce.len() >= 43 && begun.pkce_verifier.len() >= 43);
    let code = issuer.agree(&begun.url);
    // The session keeps it in between.
    let begun: Begun = serde_json::from_str(&serde_json::to_string(&begun).unwrap()).unwrap();
    let expected = Identity {
        issuer: issuer.url.clone(),
        subject: "4711".to_owned(),
        email: Some("anna@clusterhof.example".to_owned()),
        email_verified: true,
        name: Some("Anna Schmidt".to_owned()),
        groups: vec!["platform".to_owned()],
    };
    assert_eq!(provider.finish(&code, Some(&issuer.url), &begun).await.unwrap(), expected);
    assert_eq!(issuer.play().asked.get("/userinfo"), None, "nothing was missing");
    // The same code again.
    let again = provider.finish(&code, Some(&issuer.url), &begun).await;
    assert!(matches!(again, Err(SignInError::Code)), "{again:?}");
    let other = provider.begin(&[]);
    assert!(other.state != begun.state && other.nonce != begun.nonce && other.pkce_verifier != begun.pkce_verifier);
}

#[tokio::test]
async fn a_code_is_worth_something_only_to_who_began() {
    let issuer = Issuer::start().await;
    let provider = provider(&issuer).await.unwrap();
    let (mine, theirs) = (provider.begin(&[]), provider.begin(&[]));
    let code = issuer.agree(&mine.url);
    // Another browser's verifier does not fit.
    let stolen = provider.finish(&code, Some(&issuer.url), &theirs).await;
    assert!(matches!(stolen, Err(SignInError::Code)), "{stolen:?}");
    // It fits, but the token belongs to another sign-in.
    let code = issuer.agree(&theirs.url);
    let swapped = Begun { nonce: "another".to_owned(), ..theirs };
    assert_eq!(untrusted(provider.finish(&code, Some(&issuer.url), &swapped).await), "it belongs to another sign-in");
    for code in ["", "a\r\nb", &"a".repeat(10_000)] {
        assert!(matches!(provider.finish(code, Some(&issuer.url), &swapped).await, Err(SignInError::Code)));
    }
}

#[tokio::test]
async fn claims_that_do_not_hold_prove_nothing() {
    let hour_ago = chrono::Utc::now().timestamp() - 3600;
    for (claim, value, expected) in [
        ("nonce", json!("another"), "it belongs to another sign-in"),
        ("aud", json!("another"), "it is meant for another client"),
        ("aud", json!([CLIENT, "another"]), "it is meant for another client"),
        ("azp", json!("another"), "it is meant for another client"),
        ("iss", json!("https://id.example"), "it names another issuer"),
        ("exp", json!(hour_ago), "it has expired: is the clock right?"),
    ] {
        let reason = untrusted(changed(|play| play.claims[claim] = value.clone()).await);
        assert_eq!(reason, expected, "{claim}: {value}");
    }
    for claim in ["sub", "exp", "iat"] {
        let found = changed(|play| drop(play.claims.as_object_mut().unwrap().remove(claim))).await;
        assert!(matches!(found, Err(SignInError::Provider { .. })), "{claim}: {found:?}");
    }
    // An audience of one, and a party that is ours, are in order.
    let found = changed(|play| (play.claims["aud"], play.claims["azp"]) = (json!([CLIENT]), json!(CLIENT))).await;
    assert!(found.is_ok(), "{found:?}");
}

#[tokio::test]
async fn signatures_are_checked_whatever_the_header_says() {
    let unsigned = |play: &mut Play| (play.header, play.unsigned) = (json!({"alg": "none"}), true);
    untrusted(changed(unsigned).await);
    // Signed by somebody who knows the client's secret, or the public key, as anybody may.
    untrusted(changed(|play| play.header["alg"] = json!("HS256")).await);
    untrusted(changed(|play| play.header["alg"] = json!("RS256")).await);
    untrusted(changed(|play| play.unsigned = true).await);
    untrusted(changed(|play| play.signer = Some(Key::new("one"))).await);
    // A key within the token is nobody's.
    untrusted(changed(|play| (play.header["kid"], play.signer) = (json!("two"), Some(Key::new("two")))).await);
    for none in [json!(["none"]), json!(["HS256", "none"])] {
        let found = changed(|play| play.metadata["id_token_signing_alg_values_supported"] = none).await;
        assert!(matches!(found, Err(SignInError::Provider { .. })), "{found:?}");
    }
}

#[tokio::test]
async fn new_keys_are_read_at_most_once_a_minute() {
    let issuer = Issuer::start().await;
    let provider = provider(&issuer).await.unwrap();
    assert!(sign_in(&issuer, &provider).await.is_ok());
    let rotate = |id: &'static str| {
        let mut play = issuer.play();
        play.claims.as_object_mut().unwrap().remove("nonce");
        (play.header["kid"], play.key) = (json!(id), Key::new(id));
    };
    rotate("two");
    assert!(sign_in(&issuer, &provider).await.is_ok());
    assert_eq!(issuer.play().asked["/jwks"], 2);
    rotate("three");
    for _ in 0..3 {
        issuer.play().claims.as_object_mut().unwrap().remove("nonce");
        untrusted(sign_in(&issuer, &provider).await);
    }
    assert_eq!(issuer.play().asked["/jwks"], 2);
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_found_out() {
    let issuer = Issuer::start().await;
    let provider = provider(&issuer).await.unwrap();
    let begun = provider.begin(&[]);
    let code = issuer.agree(&begun.url);
    for iss in [None, Some("https://id.example"), Some(""), Some(format!("{}/", issuer.url).as_str())] {
        let found = provider.finish(&code, iss, &begun).await;
        assert!(matches!(found, Err(SignInError::Issuer { .. })), "{iss:?}: {found:?}");
    }
    assert_eq!(issuer.play().asked.get("/token"), None, "the code was not shown to anybody");
    // One that never says who it is may be silent, but may not lie.
    issuer.play().metadata["authorization_response_iss_parameter_supported"] = json!(false);
    let provider = self::provider(&issuer).await.unwrap();
    assert!(matches!(
        provider.finish(&code, Some("https://id.example"), &begun).await,
        Err(SignInError::Issuer { .. })
    ));
    assert!(provider.finish(&code, None, &begun).await.is_ok());
}

#[tokio::test]
async fn what_the_token_lacks_is_asked_for() {
    let told = json!({"sub": "4711", "email": "a@clusterhof.example", "email_verified": "true",
        "preferred_username": "anna", "realm_access": {"roles": ["ops", "platform"]}});
    let issuer = Issuer::start().await;
    {
        let mut play = issuer.play();
        for claim in ["email", "email_verified", "name", "groups"] {
            play.claims.as_object_mut().unwrap().remove(claim);
        }
        play.user_info = told.clone();
    }
    let provider = provider(&issuer).await.unwrap().with_groups_claim("realm_access.roles");
    let found = sign_in(&issuer, &provider).await.unwrap();
    assert_eq!((found.email.as_deref(), found.email_verified), (Some("a@clusterhof.example"), true));
    assert_eq!((found.name.as_deref(), found.groups), (Some("anna"), vec!["ops".to_owned(), "platform".to_owned()]));
    // What is said of somebody else is not said of them.
    issuer.play().user_info["sub"] = json!("4712");
    issuer.play().claims.as_object_mut().unwrap().remove("nonce");
    untrusted(sign_in(&issuer, &provider).await);
}

#[tokio::test]
async fn descriptions_that_lead_elsewhere_are_refused() {
    for endpoint in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        for url in ["http://id.example/x", "javascript:alert(1)", "file:///etc/passwd"] {
            let found = changed(|play| play.metadata[endpoint] = json!(url)).await;
            // Keys are read before there is a description to look at, and what is no address of the web cannot be asked.
            let unaskable = endpoint == "jwks_uri" && matches!(found, Err(SignInError::Provider { .. }));
            assert!(unaskable || matches!(found, Err(SignInError::Insecure { .. })), "{endpoint} {url}: {found:?}");
        }
        if endpoint != "authorization_endpoint" {
            let found = changed(|play| play.metadata[endpoint] = json!("https://169.254.169.254/latest")).await;
            let refused = matches!(found, Err(SignInError::Refused(_)));
            // What is not asked for is not refused either: nothing lacks here.
            assert!(refused || endpoint == "userinfo_endpoint", "{endpoint}: {found:?}");
        }
    }
    let found = changed(|play| play.metadata["issuer"] = json!("https://id.example")).await;
    assert!(matches!(&found, Err(SignInError::Provider { .. })), "{found:?}");
    assert!(found.unwrap_err().to_string().contains("id.example"));
    let found = changed(|play| drop(play.metadata.as_object_mut().unwrap().remove("token_endpoint"))).await;
    assert!(matches!(found, Err(SignInError::Provider { .. })), "{found:?}");
    let nowhere = Provider::discover("http://id.example", CLIENT, None, REDIRECT, &http()).await;
    assert!(matches!(nowhere, Err(SignInError::Insecure { .. })), "{nowhere:?}");
    let issuer = Issuer::start().await;
    let stray = Provider::discover(&issuer.url, CLIENT, None, "http://kubestats.example/cb", &http()).await;
    assert!(matches!(stray, Err(SignInError::Insecure { .. })), "{stray:?}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Issuer::start().await;
    for path in ["/.well-known/openid-configuration", "/jwks", "/token"] {
        let to = format!("{}{path}", other.url);
        let found = changed(|play| play.moved = Some((path, to))).await;
        assert!(matches!(found, Err(SignInError::Provider { .. })), "{path}: {found:?}");
    }
    assert!(other.play().asked.is_empty());
}

#[tokio::test]
async fn answers_may_be_neither_huge_nor_slow() {
    let hasty = http_within(Duration::from_secs(3));
    for path in ["/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"] {
        let lacking = |play: &mut Play| drop(play.claims.as_object_mut().unwrap().remove("groups"));
        let huge = changed(|play| {
            lacking(play);
            play.endless = Some(path);
        });
        let slow = changed_by(&hasty, |play| {
            lacking(play);
            play.silent = Some(path);
        });
        let (huge, slow) = tokio::join!(huge, slow);
        assert!(matches!(huge, Err(SignInError::TooLarge { limit: 65_536, .. })), "{path}: {huge:?}");
        assert!(matches!(&slow, Err(SignInError::Unreachable { .. })), "{path}: {slow:?}");
        assert!(slow.unwrap_err().to_string().contains("does not answer in time"), "{path}");
    }
}

#[tokio::test]
async fn refusals_say_whose_they_are() {
    let refusal = |status: StatusCode, body: Value| changed(move |play| play.refusal = Some((status, body)));
    let found = refusal(StatusCode::BAD_REQUEST, json!({"error": "invalid_grant"})).await;
    assert!(matches!(found, Err(SignInError::Code)), "{found:?}");
    let found = refusal(StatusCode::UNAUTHORIZED, json!({"error": "invalid_client"})).await;
    assert!(matches!(found, Err(SignInError::Client { .. })), "{found:?}");
    let words = format!("not\nnow \u{1b}[31m{}", "a".repeat(5000));
    let body = json!({"error": "temporarily_unavailable", "error_description": words});
    let Err(SignInError::Denied { reason, .. }) = refusal(StatusCode::BAD_REQUEST, body).await else { panic!() };
    assert!(reason.starts_with("not now  [31maaa") && reason.len() <= 200, "{reason}");
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, json!("oops")),
        (StatusCode::OK, json!({"access_token": "at"})),
        (StatusCode::OK, json!({"access_token": "at", "token_type": "Bearer", "id_token": "a.b.c"})),
    ] {
        let found = refusal(status, body).await;
        assert!(matches!(found, Err(SignInError::Provider { .. })), "{found:?}");
    }
    let bare = json!({"access_token": "at", "token_type": "Bearer"});
    assert_eq!(untrusted(refusal(StatusCode::OK, bare).await), "there is no ID token");
    let issuer = Issuer::start().await;
    let wrong = Provider::discover(&issuer.url, CLIENT, Some("wrong"), REDIRECT, &http()).await.unwrap();
    let found = sign_in(&issuer, &wrong).await;
    assert!(matches!(found, Err(SignInError::Client { .. })), "{found:?}");
    for error in [found.unwrap_err().to_string(), format!("{wrong:?}")] {
        assert!(!error.contains("wrong"), "{error}");
    }
}
