//! Signing in by GitHub, of github.com or of one's own Enterprise Server: the web application flow of OAuth apps, with PKCE.
//!
//! GitHub is no OpenID Connect issuer: there is no ID token, its API says who it is, and errors come with the status 200.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use openidconnect::{HttpResponse, PkceCodeChallenge};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use crate::http::{Http, address};
use crate::sign_in::{Begun, Identity, SignInError, check_code, tidy, told, unguessable};

/// Of github.com: where people are, and where programs are.
pub const WEB_BASE: &str = "https://github.com";
pub const API_BASE: &str = "https://api.github.com";

/// Who it is, and the addresses that are kept from others.
const SCOPES: &str = "read:user user:email";
const API_VERSION: &str = "2022-11-28";

/// One GitHub, and what we are called there.
pub struct Provider {
    web_base: Url,
    api_base: Url,
    client_id: String,
    client_secret: Zeroizing<String>,
    redirect: String,
    http: Http,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (web, client) = (self.web_base.as_str(), &self.client_id);
        f.debug_struct("Provider").field("web_base", &web).field("client_id", client).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: Option<Zeroizing<String>>,
    error: Option<String>,
    error_description: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Email {
    email: String,
    primary: bool,
    verified: bool,
}

impl Provider {
    /// `web_base` and `api_base` are [`WEB_BASE`] and [`API_BASE`], or `https://<host>` and `https://<host>/api/v3` of an
    /// Enterprise Server.
    ///
    /// # Errors
    /// If one of the addresses is none to send secrets to.
    pub fn new(
        web_base: &str,
        api_base: &str,
        client_id: &str,
        client_secret: &str,
        redirect: &str,
        http: &Http,
    ) -> Result<Self, SignInError> {
        address(redirect)?;
        Ok(Self {
            web_base: address(web_base)?,
            api_base: address(api_base)?,
            client_id: client_id.to_owned(),
            client_secret: Zeroizing::new(client_secret.to_owned()),
            redirect: redirect.to_owned(),
            http: http.clone(),
        })
    }

    /// A new sign-in.
    #[must_use]
    pub fn begin(&self) -> Begun {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = unguessable();
        let mut url = below(&self.web_base, "login/oauth/authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("scope", SCOPES)
            .append_pair("state", &state)
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", challenge.method().as_str());
        Begun { url: url.into(), state, nonce: String::new(), pkce_verifier: verifier.secret().clone() }
    }

    /// Who the person is: `code` is what the answer says under this name. That its `state` is the begun one's
    /// ([`Begun::is_state`]) is for the caller to see to.
    ///
    /// # Errors
    /// If the code is worth nothing, or GitHub does not say who it is.
    pub async fn finish(&self, code: &str, begun: &Begun) -> Result<Identity, SignInError> {
        check_code(code)?;
        let token = self.exchange(code, begun).await?;
        let user: User = self.read("GET /user", &self.get("user", &token).await?)?;
        let email = self.email(&token).await?;
        let name = user.name.as_deref().and_then(told).or_else(|| told(&user.login));
        Ok(Identity {
            issuer: self.web_base.as_str().trim_end_matches('/').to_owned(),
            // Names can be given up and taken by others, numbers cannot.
            subject: user.id.to_string(),
            email_verified: email.is_some(),
            email,
            name,
            groups: Vec::new(),
        })
    }

    async fn exchange(&self, code: &str, begun: &Begun) -> Result<Zeroizing<String>, SignInError> {
        let body = Serializer::new(String::new())
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", &self.client_secret)
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("code_verifier", &begun.pkce_verifier)
            .finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri(below(&self.web_base, "login/oauth/access_token").as_str())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes());
        let answer = self.http.send(request.map_err(|error| self.wrong(&error.to_string()))?).await?;
        let granted: Granted = self.read("the exchange of a code", &answer)?;
        match (granted.error.as_deref(), granted.access_token) {
            (None, Some(token)) => Ok(token),
            (Some("bad_verification_code"), _) => Err(SignInError::Code),
            (Some("incorrect_client_credentials"), _) => Err(SignInError::Client { provider: self.name() }),
            (Some(error), _) => {
                let reason = granted.error_description.as_deref().unwrap_or(error);
                Err(SignInError::Denied { provider: self.name(), reason: tidy(reason) })
            }
            (None, None) => Err(self.wrong("the exchange of a code gave neither a token nor an error")),
        }
    }

    /// The primary address, if it is verified. People may have refused to show it, which is no reason to turn them away.
    async fn email(&self, token: &Zeroizing<String>) -> Result<Option<String>, SignInError> {
        let answer = self.get("user/emails?per_page=100", token).await?;
        if matches!(answer.status(), StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
            return Ok(None);
        }
        let emails: Vec<Email> = self.read("GET /user/emails", &answer)?;
        Ok(emails.into_iter().find(|email| email.primary && email.verified).and_then(|email| told(&email.email)))
    }

    async fn get(&self, path: &str, token: &Zeroizing<String>) -> Result<HttpResponse, SignInError> {
        let bearer = Zeroizing::new(format!("Bearer {}", token.as_str()));
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| self.wrong("its token cannot be sent"))?;
        bearer.set_sensitive(true);
        let request = Request::builder()
            .uri(below(&self.api_base, path).as_str())
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION)
            .header(AUTHORIZATION, bearer)
            .body(Vec::new());
        self.http.send(request.map_err(|error| self.wrong(&error.to_string()))?).await
    }

    fn read<T: DeserializeOwned>(&self, what: &str, answer: &HttpResponse) -> Result<T, SignInError> {
        if answer.status() != StatusCode::OK {
            return Err(self.wrong(&format!("{what} has the status {}", answer.status())));
        }
        serde_json::from_slice(answer.body()).map_err(|error| self.wrong(&format!("{what} cannot be read: {error}")))
    }

    fn wrong(&self, reason: &str) -> SignInError {
        SignInError::Provider { provider: self.name(), reason: tidy(reason) }
    }

    fn name(&self) -> String {
        self.web_base.host_str().unwrap_or_default().to_owned()
    }
}

/// A path below a base that may have a path of its own.
fn below(base: &Url, path: &str) -> Url {
    let text = format!("{}/{path}", base.as_str().trim_end_matches('/'));
    // The base is an address, and what stands behind it is ours.
    Url::parse(&text).unwrap_or_else(|_| base.clone())
}
