//! Signing in by OpenID Connect: the authorization code flow with PKCE, state and nonce, at any issuer that can be discovered.

mod claims;
mod keys;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, DiscoveryError,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RequestTokenError,
    Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse as _, UserInfoClaims, UserInfoError,
};
use serde::{Deserialize, Serialize};

use crate::http::{Http, address};
use crate::sign_in::{Begun, Identity, SignInError, check_code, tidy, unguessable};
use claims::{Other, Told};
use keys::Keys;

/// What providers call groups, where nothing else is configured.
pub const GROUPS_CLAIM: &str = "groups";

/// What of an issuer's description the library does not know.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Further {
    /// RFC 9207: answers say who gives them.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Further {}

type Metadata = ProviderMetadata<
    Further,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Fields = IdTokenFields<
    Other,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type OurClient = Client<
    Other,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// One issuer, and what we are called there. Its description is read once; its keys are read again when it has new ones.
#[derive(Debug)]
pub struct Provider {
    client: OurClient,
    client_id: ClientId,
    issuer: IssuerUrl,
    names_itself: bool,
    has_user_info: bool,
    groups_claim: String,
    keys: Keys,
    http: Http,
}

impl Provider {
    /// Reads an issuer's description and keys. `issuer` and `redirect` are compared letter by letter, here and there.
    ///
    /// # Errors
    /// If the issuer cannot be reached, names itself otherwise, or tells addresses that are not safe.
    pub async fn discover(
        issuer: &str,
        client_id: &str,
        client_secret: Option<&str>,
        redirect: &str,
        http: &Http,
    ) -> Result<Self, SignInError> {
        address(issuer)?;
        let redirect = RedirectUrl::from_url(address(redirect)?);
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| SignInError::Insecure { url: tidy(issuer) })?;
        let found = Metadata::discover_async(issuer.clone(), http).await;
        let metadata = found.map_err(|error| undiscovered(&issuer, error))?;
        let wrong = |reason: &str| SignInError::Provider { provider: name(&issuer), reason: reason.to_owned() };
        // The browser is sent to the first; the others are checked at each request as well.
        address(metadata.authorization_endpoint())?;
        address(metadata.token_endpoint().ok_or_else(|| wrong("it names no token endpoint"))?)?;
        let has_user_info = match metadata.userinfo_endpoint() {
            Some(url) => address(url).map(|_| true)?,
            None => false,
        };
        let keys =
            Keys::new(&metadata).ok_or_else(|| wrong("it signs ID tokens by no public key that we can check"))?;
        let client_id = ClientId::new(client_id.to_owned());
        let secret = client_secret.map(|secret| ClientSecret::new(secret.to_owned()));
        let client = OurClient::from_provider_metadata(metadata.clone(), client_id.clone(), secret)
            .set_redirect_uri(redirect)
            .set_auth_type(auth_type(&metadata));
        Ok(Self {
            client,
            client_id,
            issuer,
            names_itself: metadata.additional_metadata().authorization_response_iss_parameter_supported,
            has_user_info,
            groups_claim: GROUPS_CLAIM.to_owned(),
            keys,
            http: http.clone(),
        })
    }

    /// Which claim holds groups, where it is not `groups`: `roles`, `realm_access.roles`.
    #[must_use]
    pub fn with_groups_claim(mut self, claim: &str) -> Self {
        claim.clone_into(&mut self.groups_claim);
        self
    }

    /// A new sign-in; `openid` is among its scopes whatever is given.
    #[must_use]
    pub fn begin(&self, scopes: &[&str]) -> Begun {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = || CsrfToken::new(unguessable());
        let nonce = || Nonce::new(unguessable());
        let wanted = scopes.iter().filter(|scope| **scope != "openid").map(|scope| Scope::new((*scope).to_owned()));
        let (url, state, nonce) = self
            .client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, state, nonce)
            .add_scopes(wanted)
            .set_pkce_challenge(challenge)
            .url();
        Begun {
            url: url.to_string(),
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            pkce_verifier: verifier.secret().clone(),
        }
    }

    /// Who the person is: `code` and `iss` are what the answer says under these names. That its `state` is the begun one's
    /// ([`Begun::is_state`]) is for the caller to see to.
    ///
    /// # Errors
    /// If the code is worth nothing, or what the issuer says of the person does not hold.
    pub async fn finish(&self, code: &str, iss: Option<&str>, begun: &Begun) -> Result<Identity, SignInError> {
        self.check_iss(iss)?;
        check_code(code)?;
        let provider = || name(&self.issuer);
        let answer = self
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| SignInError::Provider { provider: provider(), reason: tidy(&error.to_string()) })?
            .set_pkce_verifier(PkceCodeVerifier::new(begun.pkce_verifier.clone()))
            .request_async(&self.http)
            .await
            .map_err(|error| unanswered(&self.issuer, error))?;
        let untrusted = |reason: &str| SignInError::Untrusted { provider: provider(), reason: reason.to_owned() };
        let token = answer.id_token().ok_or_else(|| untrusted("there is no ID token"))?;
        let nonce = Nonce::new(begun.nonce.clone());
        let claims = self.keys.verify(token, &nonce, &self.client_id, &self.issuer, &self.http).await?;
        if claims.authorized_party().is_some_and(|party| *party != self.client_id) {
            return Err(untrusted("it is meant for another client"));
        }
        let mut told = Told::of_token(&claims, &self.groups_claim);
        // Many issuers tell only who it is in the token, and the rest when asked.
        if self.has_user_info && told.lacks_something() {
            let request = self.client.user_info(answer.access_token().clone(), Some(claims.subject().clone()));
            let request = request
                .map_err(|error| SignInError::Provider { provider: provider(), reason: tidy(&error.to_string()) })?;
            let more: UserInfoClaims<Other, CoreGenderClaim> =
                request.request_async(&self.http).await.map_err(|error| uninformed(&self.issuer, error))?;
            told.fill_in(Told::of_user_info(&more, &self.groups_claim));
        }
        Ok(told.identity(self.issuer.to_string(), claims.subject().to_string()))
    }

    /// RFC 9207: whoever answers for another issuer is found out. One that names itself always does.
    fn check_iss(&self, iss: Option<&str>) -> Result<(), SignInError> {
        match iss {
            Some(iss) if iss == self.issuer.as_str() => Ok(()),
            None if !self.names_itself => Ok(()),
            other => Err(SignInError::Issuer {
                expected: tidy(&self.issuer),
                found: other.map_or_else(|| "somebody who does not say".to_owned(), tidy),
            }),
        }
    }
}

/// For sentences.
fn name(issuer: &IssuerUrl) -> String {
    issuer.url().host_str().unwrap_or_default().to_owned()
}

/// In the header, unless the issuer takes the secret only in the body.
fn auth_type(metadata: &Metadata) -> AuthType {
    match metadata.token_endpoint_auth_methods_supported() {
        Some(ways)
            if ways.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !ways.contains(&CoreClientAuthMethod::ClientSecretBasic) =>
        {
            AuthType::RequestBody
        }
        _ => AuthType::BasicAuth,
    }
}

fn undiscovered(issuer: &IssuerUrl, error: DiscoveryError<SignInError>) -> SignInError {
    let reason = match error {
        DiscoveryError::Request(error) => return error,
        DiscoveryError::Validation(reason) => reason,
        DiscoveryError::Parse(error) => format!("its description cannot be read: {error}"),
        DiscoveryError::Response(_, _, reason) => reason,
        error => error.to_string(),
    };
    SignInError::Provider { provider: name(issuer), reason: tidy(&reason) }
}

fn unanswered(
    issuer: &IssuerUrl,
    error: RequestTokenError<SignInError, StandardErrorResponse<CoreErrorResponseType>>,
) -> SignInError {
    let provider = name(issuer);
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(error) => match error.error() {
            CoreErrorResponseType::InvalidGrant => SignInError::Code,
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                SignInError::Client { provider }
            }
            kind => {
                let reason = error.error_description().map_or(kind.as_ref(), String::as_str);
                SignInError::Denied { provider, reason: tidy(reason) }
            }
        },
        RequestTokenError::Parse(error, _) => {
            SignInError::Provider { provider, reason: tidy(&format!("its answer cannot be read: {}", error.inner())) }
        }
        RequestTokenError::Other(reason) => SignInError::Provider { provider, reason: tidy(&reason) },
    }
}

fn uninformed(issuer: &IssuerUrl, error: UserInfoError<SignInError>) -> SignInError {
    let provider = name(issuer);
    match error {
        UserInfoError::Request(error) => error,
        UserInfoError::ClaimsVerification(error) => {
            SignInError::Untrusted { provider, reason: tidy(&error.to_string()) }
        }
        UserInfoError::Response(_, _, reason) => SignInError::Provider { provider, reason: tidy(&reason) },
        error => SignInError::Provider { provider, reason: tidy(&error.to_string()) },
    }
}
