//! Whom people may be known by, as the configuration says.

use std::sync::Arc;

use actions::accounts::Admission;
use auth::{Http, Limits, SignInError};
use zeroize::Zeroizing;

use crate::config::{AdmissionConfig, Config, GITHUB, Secret};
use crate::forges;
use crate::web::sign_in::described::Described;
use crate::web::sign_in::providers::{Issuer, Kind, Provider, Providers};

/// All of them.
///
/// # Errors
/// If one of their addresses is none to send secrets to, or the system gives no TLS.
pub fn providers(config: &Config) -> Result<Providers, SignInError> {
    let accounts = &config.accounts;
    // Without a public address there are none: the configuration made sure of that.
    let Some(public_url) = &config.server.public_url else { return Ok(Providers::default()) };
    let http = http(config)?;
    let redirect = |id: &str| format!("{public_url}/auth/{id}/callback");
    let secret = |secret: &Secret| Zeroizing::new(secret.expose().to_owned());
    let mut all = Vec::new();
    if let Some(github) = &accounts.github {
        let (url, api, client_id) = (&github.url, github.api(), &github.client_id);
        let secret = secret(&github.client_secret);
        let client = auth::github::Provider::new(url, &api, client_id, &secret, &redirect(GITHUB), &http)?;
        let admission = admission("GitHub", &github.admission);
        all.push(Provider { id: GITHUB.to_owned(), admission, kind: Kind::Github(Box::new(client)) });
    }
    for issuer in &accounts.oidc {
        let kind = Issuer {
            url: issuer.issuer.clone(),
            client_id: issuer.client_id.clone(),
            client_secret: issuer.client_secret.as_ref().map(secret),
            scopes: issuer.scopes.clone(),
            groups_claim: issuer.groups_claim.clone(),
            redirect: redirect(&issuer.id),
            http: http.clone(),
            described: Described::default(),
        };
        let admission = Admission { trusts_email: issuer.trusts_email, ..admission(&issuer.name, &issuer.admission) };
        all.push(Provider { id: issuer.id.clone(), admission, kind: Kind::Oidc(Box::new(kind)) });
    }
    Ok(Providers::new(all))
}

/// What the operator wrote may be reached wherever it is.
fn http(config: &Config) -> Result<Http, SignInError> {
    let accounts = &config.accounts;
    let trusted = accounts.oidc.iter().map(|issuer| issuer.issuer.clone());
    let trusted = trusted.chain(accounts.github.iter().flat_map(|github| [github.url.clone(), github.api()]));
    let guard = trusted
        .filter_map(|url| url::Url::parse(&url).ok())
        .fold(forges::guard(config), |guard, url| guard.trusting_host_of(&url));
    Http::new(Arc::new(guard), Limits::default())
        .map_err(|error| SignInError::Unreachable { host: "everybody".to_owned(), reason: error.to_string() })
}

fn admission(name: &str, config: &AdmissionConfig) -> Admission {
    Admission {
        provider: name.to_owned(),
        sign_up: config.sign_up,
        trusts_email: false,
        role: config.role.clone(),
        roles: config.roles.iter().map(|of| (of.group.clone(), of.role.clone())).collect(),
    }
}
