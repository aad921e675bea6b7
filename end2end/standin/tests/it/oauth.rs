//! GitHub's OAuth apps: what its documentation says of the web application flow.

use std::collections::HashMap;

use serde_json::{Value, json};
use standin::{OAuthApp, Options, Person};
use url::Url;

use crate::support::{Got, Town, read, town_with};

const CALLBACK: &str = "http://127.0.0.1:4999/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An app and somebody to sign in to it.
pub fn people(options: &mut Options) {
    let app = |text: &str| text.to_owned();
    options.oauth_app =
        Some(OAuthApp { client_id: app("id"), client_secret: app("secret"), callback: CALLBACK.to_owned() });
    let emails =
        vec![("anna@clusterhof.example".to_owned(), true, true), ("a@clusterhof.example".to_owned(), false, false)];
    options.people = vec![Person { id: 4711, login: "anna".to_owned(), name: Some("Anna".to_owned()), emails }];
}

/// Where the browser is sent back to, and with what.
async fn authorize(town: &Town, pairs: &[(&str, &str)]) -> (u16, HashMap<String, String>) {
    let mut url = Url::parse(&format!("{}/login/oauth/authorize", town.standin.github().url())).unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    let answer = town.http.get(url).send().await.unwrap();
    let status = answer.status().as_u16();
    let Some(back) = answer.headers().get("location").map(|to| Url::parse(to.to_str().unwrap()).unwrap()) else {
        return (status, HashMap::new());
    };
    assert!(back.as_str().starts_with(CALLBACK), "{back}");
    (status, back.query_pairs().into_owned().collect())
}

async fn exchange(town: &Town, pairs: &[(&str, &str)]) -> Got {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let url = format!("{}/login/oauth/access_token", town.standin.github().url());
    let request = town.http.post(url).header("accept", "application/json");
    read(request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap()).await
}

/// A token of somebody who agreed.
pub async fn token(town: &Town, scope: &str) -> String {
    let (_, back) = authorize(town, &[("client_id", "id"), ("scope", scope), ("login", "anna")]).await;
    let got =
        exchange(town, &[("client_id", "id"), ("client_secret", "secret"), ("code", back["code"].as_str())]).await;
    got.body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_code_is_exchanged_once_by_who_began() {
    let town = town_with(1, people).await;
    let asked = [("client_id", "id"), ("redirect_uri", CALLBACK), ("scope", "read:user user:email"), ("state", "s&1")];
    let pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256"), ("login", "anna")];
    let asked = [&asked[..], &pkce[..]].concat();
    let (status, back) = authorize(&town, &asked).await;
    assert_eq!((status, back["state"].as_str()), (303, "s&1"));
    let given =
        [("client_id", "id"), ("client_secret", "secret"), ("code", back["code"].as_str()), ("redirect_uri", CALLBACK)];
    let proven = [&given[..], &[("code_verifier", VERIFIER)]].concat();
    let got = exchange(&town, &proven).await;
    assert!(got.body["access_token"].as_str().unwrap().starts_with("gho_"));
    assert_eq!(
        (got.body["scope"].as_str(), got.body["token_type"].as_str()),
        (Some("read:user,user:email"), Some("bearer"))
    );
    let bad = "bad_verification_code";
    let again = exchange(&town, &proven).await;
    assert_eq!((again.status, again.body["error"].as_str()), (200, Some(bad)));
    assert_eq!(again.body["error_description"], "The code passed is incorrect or expired.");
    // Without the verifier, with another, and too late.
    for (verifier, late) in [(None, false), (Some("another"), false), (Some(VERIFIER), true)] {
        let (_, back) = authorize(&town, &asked).await;
        if late {
            town.standin.github().expire_codes();
        }
        let code = back["code"].clone();
        let mut given = vec![("client_id", "id"), ("client_secret", "secret"), ("code", code.as_str())];
        given.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        assert_eq!(exchange(&town, &given).await.body["error"], bad, "{verifier:?} {late}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_as_documented() {
    let town = town_with(1, people).await;
    let (status, back) = authorize(&town, &[("client_id", "id"), ("login", ""), ("state", "s")]).await;
    assert_eq!((status, back["error"].as_str(), back["state"].as_str()), (303, "access_denied", "s"));
    let stray = [("client_id", "id"), ("redirect_uri", "https://other.example/cb"), ("login", "anna")];
    assert_eq!(authorize(&town, &stray).await.1["error"], "redirect_uri_mismatch");
    assert_eq!(authorize(&town, &[("client_id", "another"), ("login", "anna")]).await.0, 404);
    // Whoever comes without an answer is asked.
    assert_eq!(authorize(&town, &[("client_id", "id")]).await.0, 200);
    let (_, back) = authorize(&town, &[("client_id", "id"), ("login", "anna")]).await;
    let got =
        exchange(&town, &[("client_id", "id"), ("client_secret", "wrong"), ("code", back["code"].as_str())]).await;
    assert_eq!((got.status, got.body["error"].as_str()), (200, Some("incorrect_client_credentials")));
    let below = format!("{CALLBACK}/below");
    let given = [
        ("client_id", "id"),
        ("client_secret", "secret"),
        ("code", back["code"].as_str()),
        ("redirect_uri", below.as_str()),
    ];
    assert_eq!(exchange(&town, &given).await.body["error"], "redirect_uri_mismatch");
}

#[tokio::test]
async fn a_token_shows_what_its_scopes_allow() {
    let town = town_with(1, people).await;
    let github = town.standin.github().url();
    let full = token(&town, "read:user user:email").await;
    for root in ["", "/api/v3"] {
        let user = town.get(&format!("{github}{root}/user"), Some(&full)).await;
        assert_eq!((user.body["id"].as_u64(), user.body["login"].as_str()), (Some(4711), Some("anna")));
        let emails = town.get(&format!("{github}{root}/user/emails"), Some(&full)).await.body;
        let first =
            json!({"email": "anna@clusterhof.example", "primary": true, "verified": true, "visibility": "private"});
        assert_eq!((&emails[0], &emails[1]["visibility"]), (&first, &Value::Null));
    }
    let less = token(&town, "read:user").await;
    assert_eq!(town.get(&format!("{github}/user/emails"), Some(&less)).await.status, 404);
    for stranger in [None, Some("gho_made_up")] {
        assert_eq!(town.get(&format!("{github}/user"), stranger).await.status, 401);
    }
}
