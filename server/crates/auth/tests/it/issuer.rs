//! An issuer whose every answer the test decides: right as it stands, wrong where it is told to be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::body::{Body, Bytes};
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{CLIENT, SECRET, query};

/// What the issuer does.
pub struct Play {
    pub metadata: Value,
    pub claims: Value,
    pub header: Value,
    pub user_info: Value,
    pub key: Key,
    /// Signs with this instead of its key.
    pub signer: Option<Key>,
    /// Leaves signatures out.
    pub unsigned: bool,
    /// What the token endpoint answers instead of a token.
    pub refusal: Option<(StatusCode, Value)>,
    /// Never answers at this path.
    pub silent: Option<&'static str>,
    /// Answers without end at this path.
    pub endless: Option<&'static str>,
    /// Sends elsewhere from this path.
    pub moved: Option<(&'static str, String)>,
    codes: HashMap<String, String>,
    /// How often each path was asked for.
    pub asked: HashMap<String, usize>,
}

/// A key and its name.
pub struct Key {
    pub id: &'static str,
    pair: EcdsaKeyPair,
}

impl Key {
    pub fn new(id: &'static str) -> Self {
        Self { id, pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    fn jwk(&self) -> Value {
        let point: &[u8] = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)})
    }
}

#[derive(Clone)]
pub struct Issuer {
    pub url: String,
    play: Arc<Mutex<Play>>,
}

impl Issuer {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "userinfo_endpoint": format!("{url}/userinfo"),
            "jwks_uri": format!("{url}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": true,
        });
        let now = chrono::Utc::now().timestamp();
        let claims = json!({
            "iss": url, "aud": CLIENT, "sub": "4711", "iat": now, "exp": now + 300,
            "email": "anna@clusterhof.example", "email_verified": true, "name": "Anna Schmidt", "groups": ["platform"],
        });
        let play = Play {
            metadata,
            claims,
            header: json!({"alg": "ES256", "kid": "one", "typ": "JWT"}),
            user_info: json!({"sub": "4711"}),
            key: Key::new("one"),
            signer: None,
            unsigned: false,
            refusal: None,
            silent: None,
            endless: None,
            moved: None,
            codes: HashMap::new(),
            asked: HashMap::new(),
        };
        let issuer = Self { url, play: Arc::new(Mutex::new(play)) };
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(metadata_))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(user_info))
            .layer(axum::middleware::from_fn_with_state(issuer.clone(), spoilt))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        issuer
    }

    pub fn play(&self) -> MutexGuard<'_, Play> {
        self.play.lock().unwrap()
    }

    /// The person agrees: a code, as it comes back to the browser.
    pub fn agree(&self, url: &str) -> String {
        let asked = query(url);
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        let mut play = self.play();
        if play.claims.get("nonce").is_none() {
            play.claims["nonce"] = json!(asked["nonce"]);
        }
        let code = format!("code-{}", play.codes.len());
        play.codes.insert(code.clone(), asked["code_challenge"].clone());
        code
    }
}

async fn spoilt(
    State(issuer): State<Issuer>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let (silent, endless, moved) = {
        let mut play = issuer.play();
        *play.asked.entry(path.clone()).or_default() += 1;
        let moved = play.moved.clone().filter(|(from, _)| *from == path);
        (play.silent == Some(path.as_str()), play.endless == Some(path.as_str()), moved)
    };
    if let Some((_, to)) = moved {
        return (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response();
    }
    if silent {
        tokio::time::sleep(Duration::from_mins(10)).await;
    }
    if endless {
        let spaces = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096])));
        return ([("content-type", "application/json")], Body::from_stream(spaces)).into_response();
    }
    next.run(request).await
}

async fn metadata_(State(issuer): State<Issuer>) -> Json<Value> {
    Json(issuer.play().metadata.clone())
}

async fn jwks(State(issuer): State<Issuer>) -> Json<Value> {
    Json(json!({"keys": [issuer.play().key.jwk()]}))
}

async fn token(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let mut play = issuer.play();
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response();
    if let Some((status, body)) = &play.refusal {
        return (*status, Json(body.clone())).into_response();
    }
    // RFC 6749, 2.3.1: both are form-encoded before they are put into the header.
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let expected = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET))));
    if headers.get("authorization").is_none_or(|given| given.to_str().unwrap() != expected) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    let Some(challenge) = play.codes.remove(&form["code"]) else { return refuse("invalid_grant") };
    if URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes())) != challenge {
        return refuse("invalid_grant");
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&play.header), part(&play.claims));
    let signer = play.signer.as_ref().unwrap_or(&play.key);
    let signature = signer.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let signature = if play.unsigned { String::new() } else { URL_SAFE_NO_PAD.encode(signature.as_ref()) };
    let answer = json!({"access_token": "at", "token_type": "Bearer", "id_token": format!("{message}.{signature}")});
    Json(answer).into_response()
}

async fn user_info(State(issuer): State<Issuer>, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_none_or(|given| given != "Bearer at") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(issuer.play().user_info.clone()).into_response()
}
