//! Whom people may be known by beside their password, as the configuration says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actions::accounts::Admission;
use app::context::SignInProvider;
use auth::{Begun, Http, Identity, SignInError};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// An issuer's description is read again after so long: endpoints move seldom.
const DESCRIBED_FOR: Duration = Duration::from_hours(1);

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
    pub described: Mutex<Option<(Instant, Arc<auth::oidc::Provider>)>>,
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
    /// The issuer as it described itself within the last hour; longer ago, while it can't be asked.
    async fn described(&self) -> Result<Arc<auth::oidc::Provider>, SignInError> {
        let mut described = self.described.lock().await;
        if let Some((_, issuer)) = described.as_ref().filter(|(at, _)| at.elapsed() < DESCRIBED_FOR) {
            return Ok(Arc::clone(issuer));
        }
        let secret = self.client_secret.as_ref().map(|secret| secret.as_str());
        let (url, redirect) = (&self.url, &self.redirect);
        let found = auth::oidc::Provider::discover(url, &self.client_id, secret, redirect, &self.http).await;
        let found = match (found, &*described) {
            (Ok(found), _) => Arc::new(found.with_groups_claim(&self.groups_claim)),
            (Err(error), Some((_, before))) => {
                tracing::warn!(%error, issuer = self.url, "an issuer's description could not be read again");
                Arc::clone(before)
            }
            (Err(error), None) => return Err(error),
        };
        *described = Some((Instant::now(), Arc::clone(&found)));
        Ok(found)
    }
}
