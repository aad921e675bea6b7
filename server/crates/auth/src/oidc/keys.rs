//! An issuer's keys, and what is believed because of them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    ClaimsVerificationError, ClientId, IdToken, IdTokenClaims, IdTokenVerifier, IssuerUrl, JsonWebKeySetUrl, Nonce,
    SignatureVerificationError,
};
use tokio::sync::Mutex;

use super::claims::Other;
use super::{Metadata, name, undiscovered};
use crate::http::Http;
use crate::sign_in::{SignInError, tidy};

/// Tokens with keys that nobody knows must not make us ask for each of them.
const ANEW_AFTER: Duration = Duration::from_mins(1);
/// How far clocks may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// By a public key, so that nobody who knows the client's secret can sign. `none` and HMAC are not among them.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Token = IdToken<Other, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(super) type Claims = IdTokenClaims<Other, CoreGenderClaim>;

#[derive(Debug)]
struct Known {
    keys: Arc<CoreJsonWebKeySet>,
    read_anew: Option<Instant>,
}

/// The keys that are known, and where there may be newer ones.
#[derive(Debug)]
pub(super) struct Keys {
    url: JsonWebKeySetUrl,
    algorithms: HashSet<CoreJwsSigningAlgorithm>,
    known: Mutex<Known>,
}

impl Keys {
    /// `None` if the issuer signs by nothing that can be believed.
    pub(super) fn new(metadata: &Metadata) -> Option<Self> {
        let offered = metadata.id_token_signing_alg_values_supported();
        let algorithms: HashSet<_> = ALGORITHMS.into_iter().filter(|algorithm| offered.contains(algorithm)).collect();
        let known = Known { keys: Arc::new(metadata.jwks().clone()), read_anew: None };
        let url = metadata.jwks_uri().clone();
        (!algorithms.is_empty()).then_some(Self { url, algorithms, known: Mutex::new(known) })
    }

    /// What a token says, if it holds; the issuer's keys are read anew where they do not fit.
    pub(super) async fn verify(
        &self,
        token: &Token,
        nonce: &Nonce,
        client_id: &ClientId,
        issuer: &IssuerUrl,
        http: &Http,
    ) -> Result<Claims, SignInError> {
        let claims = |keys: &CoreJsonWebKeySet| {
            let verifier = IdTokenVerifier::new_public_client(client_id.clone(), issuer.clone(), keys.clone())
                .set_allowed_algs(self.algorithms.iter().cloned())
                .set_time_fn(|| Utc::now() - LEEWAY);
            token.claims(&verifier, nonce).cloned()
        };
        let keys = Arc::clone(&self.known.lock().await.keys);
        let untrusted =
            |error: ClaimsVerificationError| SignInError::Untrusted { provider: name(issuer), reason: why(&error) };
        match claims(&keys) {
            Err(error) if may_be_rotated(&error) => match self.newer(&keys, issuer, http).await? {
                Some(keys) => claims(&keys).map_err(untrusted),
                None => Err(untrusted(error)),
            },
            found => found.map_err(untrusted),
        }
    }

    /// Keys other than these: those that somebody has read meanwhile, or the issuer's of now, at most once a minute.
    async fn newer(
        &self,
        old: &Arc<CoreJsonWebKeySet>,
        issuer: &IssuerUrl,
        http: &Http,
    ) -> Result<Option<Arc<CoreJsonWebKeySet>>, SignInError> {
        let mut known = self.known.lock().await;
        if !Arc::ptr_eq(&known.keys, old) {
            return Ok(Some(Arc::clone(&known.keys)));
        }
        if known.read_anew.is_some_and(|at| at.elapsed() < ANEW_AFTER) {
            return Ok(None);
        }
        known.read_anew = Some(Instant::now());
        let read = CoreJsonWebKeySet::fetch_async(&self.url, http).await;
        known.keys = Arc::new(read.map_err(|error| undiscovered(issuer, error))?);
        Ok(Some(Arc::clone(&known.keys)))
    }
}

/// The key is unknown, or another one has its name (or neither has one).
fn may_be_rotated(error: &ClaimsVerificationError) -> bool {
    matches!(
        error,
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_)
        )
    )
}

/// What is wrong with a token, without what a stranger may have written into it.
fn why(error: &ClaimsVerificationError) -> String {
    match error {
        ClaimsVerificationError::Expired(_) => "it has expired: is the clock right?".to_owned(),
        ClaimsVerificationError::InvalidNonce(_) => "it belongs to another sign-in".to_owned(),
        ClaimsVerificationError::InvalidAudience(_) => "it is meant for another client".to_owned(),
        ClaimsVerificationError::InvalidIssuer(_) => "it names another issuer".to_owned(),
        ClaimsVerificationError::SignatureVerification(error) => tidy(&error.to_string()),
        error => tidy(&error.to_string()),
    }
}
