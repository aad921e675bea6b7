//! Signing in at an issuer that others wrote: `oidc-provider-mock` of PyPI, in an environment of its own.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use auth::oidc::Provider;
use auth::{Begun, Identity, SignInError};
use serde_json::json;
use standin::Port;

use crate::support::{CLIENT, REDIRECT, SECRET, brought_back, browser, http};

/// What is installed, pinned.
const WANTED: &str = include_str!("../../../../../.ci/oidc.txt");
/// Something hangs that takes longer to begin.
const PATIENCE: Duration = Duration::from_mins(2);

/// Ends with the test.
struct Issuer {
    program: Child,
    url: String,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// `None`, loudly, where there is no Python or nothing can be installed.
async fn issuer(port: &Port, arguments: &[&str]) -> Option<Issuer> {
    let python = match tokio::task::spawn_blocking(|| standin::python::environment("oidc", WANTED)).await.unwrap() {
        Ok(python) => python,
        Err(why) => {
            eprintln!("SKIPPED: no real OpenID Connect issuer: {why}");
            return None;
        }
    };
    let program = Command::new(python)
        .args(["-m", "oidc_provider_mock", "--port", &port.number.to_string()])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let issuer = Issuer { program, url: format!("http://127.0.0.1:{}", port.number) };
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if browser().get(format!("{}/jwks", issuer.url)).send().await.is_ok() {
            return Some(issuer);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the issuer does not start");
}

/// The person chooses an account on the issuer's page.
async fn agree(begun: &Begun, form: &[(&str, &str)]) -> std::collections::HashMap<String, String> {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = browser().post(&begun.url).header("content-type", "application/x-www-form-urlencoded").body(form);
    let back = brought_back(&request.send().await.unwrap());
    assert!(begun.is_state(back.get("state").map_or("", String::as_str)) || back.contains_key("error"));
    back
}

async fn discover(issuer: &Issuer) -> Provider {
    Provider::discover(&issuer.url, CLIENT, Some(SECRET), REDIRECT, &http()).await.unwrap()
}

#[tokio::test]
async fn somebody_signs_in_at_a_real_issuer() {
    let Some(issuer) = issuer(&Port::take().unwrap(), &[]).await else { return };
    let claims = json!({"email": "anna@clusterhof.example", "email_verified": true, "name": "Anna Schmidt",
        "groups": ["platform", "ops"]});
    let put = browser().put(format!("{}/users/anna", issuer.url)).header("content-type", "application/json");
    assert!(put.body(claims.to_string()).send().await.unwrap().status().is_success());
    let provider = discover(&issuer).await;
    let begun = provider.begin(&["openid", "email", "profile"]);
    let code = agree(&begun, &[("sub", "anna")]).await["code"].clone();
    let expected = Identity {
        issuer: issuer.url.clone(),
        subject: "anna".to_owned(),
        email: Some("anna@clusterhof.example".to_owned()),
        email_verified: true,
        name: Some("Anna Schmidt".to_owned()),
        groups: vec!["platform".to_owned(), "ops".to_owned()],
    };
    assert_eq!(provider.finish(&code, None, &begun).await.unwrap(), expected);
    let again = provider.finish(&code, None, &begun).await;
    assert!(matches!(again, Err(SignInError::Code)), "{again:?}");
    // A code of another sign-in comes with another nonce.
    let (mine, theirs) = (provider.begin(&["openid"]), provider.begin(&["openid"]));
    let code = agree(&theirs, &[("sub", "ben")]).await["code"].clone();
    let swapped = provider.finish(&code, None, &mine).await;
    assert!(matches!(swapped, Err(SignInError::Untrusted { .. } | SignInError::Code)), "{swapped:?}");
    assert_eq!(agree(&mine, &[("action", "deny")]).await["error"], "access_denied");
}

#[tokio::test]
async fn expired_tokens_and_new_keys_of_a_real_issuer() {
    let port = Port::take().unwrap();
    let Some(expiring) = issuer(&port, &["--token-max-age", "-3600"]).await else { return };
    let provider = discover(&expiring).await;
    let begun = provider.begin(&["openid"]);
    let code = agree(&begun, &[("sub", "anna")]).await["code"].clone();
    let late = provider.finish(&code, None, &begun).await;
    // The issuer says in its answer, too, that the token's time was over before it was made.
    assert!(matches!(&late, Err(SignInError::Untrusted { .. } | SignInError::Provider { .. })), "{late:?}");
    // The same address with other keys: it draws new ones whenever it starts.
    drop(expiring);
    let Some(_restarted) = issuer(&port, &[]).await else { return };
    let begun = provider.begin(&["openid"]);
    let code = agree(&begun, &[("sub", "anna")]).await["code"].clone();
    assert_eq!(provider.finish(&code, None, &begun).await.unwrap().subject, "anna");
}
