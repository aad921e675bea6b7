//! Whom people may be known by beside their password, as the configuration says.

use std::sync::Arc;
use std::time::Instant;

use actions::accounts::Admission;
use app::context::SignInProvider;
use auth::{Begun, Http, Identity, SignInError};
use zeroize::Zeroizing;

use super::described::Described;

/// All of them.
#[derive(Default)]
pub struct Providers(Vec<Provider>);

/// One of them.
pub struct Provider {
    /// Stands in addresses.
    pub id: String,
    /// Who is let in, and what it is called.
    pub admission: Admission,
    /// How it is asked.
    pub kind: Kind,
}

/// How a provider is asked.
pub enum Kind {
    Github(Box<auth::github::Provider>),
    Oidc(Box<Issuer>),
}

/// An issuer of OpenID Connect, which describes itself when it is first needed.
pub struct Issuer {
    pub url: String,
    pub client_id: String,
    pub client_secret: Option<Zeroizing<String>>,
    pub scopes: Vec<String>,
    pub groups_claim: String,
    /// Where it leads back to.
    pub redirect: String,
    pub http: Http,
    pub described: Described<auth::oidc::Provider>,
}

impl Providers {
    /// These.
    #[must_use]
    pub fn new(all: Vec<Provider>) -> Self {
        Self(all)
    }

    /// The one with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.id == id)
    }

    /// In the order in which people are shown them.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }
}

impl Provider {
    /// As pages show it.
    #[must_use]
    pub fn shown(&self) -> SignInProvider {
        SignInProvider { id: self.id.clone(), name: self.admission.provider.clone() }
    }

    /// A new sign-in.
    ///
    /// # Errors
    /// If an issuer can't be asked how people sign in there.
    pub async fn begin(&self) -> Result<Begun, SignInError> {
        match &self.kind {
            Kind::Github(github) => Ok(github.begin()),
            Kind::Oidc(issuer) => {
                let scopes: Vec<&str> = issuer.scopes.iter().map(String::as_str).collect();
                Ok(issuer.described().await?.begin(&scopes))
            }
        }
    }

    /// Who somebody is, by what the provider answered.
    ///
    /// # Errors
    /// If it does not say, or what it says does not hold.
    pub async fn finish(&self, code: &str, iss: Option<&str>, begun: &Begun) -> Result<Identity, SignInError> {
        match &self.kind {
            Kind::Github(github) => github.finish(code, begun).await,
            Kind::Oidc(issuer) => issuer.described().await?.finish(code, iss, begun).await,
        }
    }
}

impl Issuer {
    /// The issuer as it describes itself.
    async fn described(&self) -> Result<Arc<auth::oidc::Provider>, SignInError> {
        let Self { url, client_id, client_secret, groups_claim, redirect, http, .. } = self;
        let (url, client_id, secret) = (url.clone(), client_id.clone(), client_secret.clone());
        let (groups_claim, redirect, http) = (groups_claim.clone(), redirect.clone(), http.clone());
        let read = async move {
            let secret = secret.as_ref().map(|secret| secret.as_str());
            let found = auth::oidc::Provider::discover(&url, &client_id, secret, &redirect, &http).await;
            found.map(|found| found.with_groups_claim(&groups_claim))
        };
        self.described.get(Instant::now, read).await
    }
}
