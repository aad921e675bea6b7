//! Access tokens of the v1 API: JSON Web Tokens by HMAC with SHA-256, and by nothing else, whatever a token's header says.

use std::fmt;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who issues: an instance may have several addresses and change them, but it has one key.
pub const ISSUER: &str = "kubestats";
/// What the tokens are for.
pub const AUDIENCE: &str = "kubestats-api";

/// The shortest key that HS256 may have (RFC 7518, 3.2).
const KEY_BYTES: usize = 32;
/// A token with every role and permission is far below; what is longer is not even decoded.
const LONGEST: usize = 16 << 10;

/// What a token says. `iss` and `aud` are [`ISSUER`] and [`AUDIENCE`]: others do not verify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub sub: Uuid,
    pub iat: i64,
    pub exp: i64,
    pub jti: Uuid,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
    pub iss: String,
    pub aud: String,
}

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    #[error("the access token is damaged or none of ours: sign in again")]
    Malformed,
    #[error("the access token is not signed with our key: sign in again")]
    Signature,
    #[error("the access token is for another service: sign in here")]
    Elsewhere,
    #[error("the access token has expired: sign in again, or refresh it")]
    Expired,
}

/// A key is shorter than 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key for access tokens has {has} bytes, {KEY_BYTES} are needed at least: make one by `openssl rand -base64 32`"
)]
pub struct ShortKey {
    pub has: usize,
}

/// Signs with the current key, and believes the previous one too, so that a new key signs nobody out.
#[derive(Clone)]
pub struct JwtKeys {
    signing: EncodingKey,
    verifying: Vec<DecodingKey>,
}

impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwtKeys({} of ***)", self.verifying.len())
    }
}

impl JwtKeys {
    pub fn new(current: &[u8], previous: Option<&[u8]>) -> Result<Self, ShortKey> {
        let keys: Vec<&[u8]> = [Some(current), previous].into_iter().flatten().collect();
        if let Some(short) = keys.iter().find(|key| key.len() < KEY_BYTES) {
            return Err(ShortKey { has: short.len() });
        }
        let verifying = keys.into_iter().map(DecodingKey::from_secret).collect();
        Ok(Self { signing: EncodingKey::from_secret(current), verifying })
    }

    #[must_use]
    pub fn sign(&self, claims: &Claims) -> String {
        encode(&Header::new(Algorithm::HS256), claims, &self.signing).expect("claims are JSON, and the key is for HMAC")
    }

    /// What a token says, if one of our keys signed it and it has not expired at `now` (seconds since 1970).
    pub fn verify(&self, token: &str, now: i64) -> Result<Claims, BadToken> {
        if token.len() > LONGEST {
            return Err(BadToken::Malformed);
        }
        let mut rules = Validation::new(Algorithm::HS256);
        // The caller's clock decides, below, and to the second: it is the clock that set the time.
        rules.validate_exp = false;
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        let mut bad = BadToken::Signature;
        for key in &self.verifying {
            match decode::<Claims>(token, key, &rules) {
                Ok(token) if token.claims.exp <= now => return Err(BadToken::Expired),
                Ok(token) => return Ok(token.claims),
                Err(error) => bad = why(error.kind()),
            }
            if bad != BadToken::Signature {
                break;
            }
        }
        Err(bad)
    }
}

fn why(kind: &ErrorKind) -> BadToken {
    match kind {
        ErrorKind::InvalidSignature => BadToken::Signature,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => BadToken::Elsewhere,
        _ => BadToken::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_790_000_000;
    const KEY: [u8; 32] = [1; 32];
    const OLD: [u8; 32] = [2; 32];

    fn claims() -> Claims {
        Claims {
            sub: Uuid::from_u128(1),
            iat: NOW - 60,
            exp: NOW + 60,
            jti: Uuid::from_u128(2),
            roles: vec!["user".to_owned()],
            permissions: vec!["read".to_owned()],
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
        }
    }

    fn keys() -> JwtKeys {
        JwtKeys::new(&KEY, None).unwrap()
    }

    /// A token with a header and claims of the tester's choice, signed all the same.
    fn signed(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let key = EncodingKey::from_secret(&KEY);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    }

    fn hs256() -> Value {
        json!({"alg": "HS256", "typ": "JWT"})
    }

    #[test]
    fn the_signature_is_that_of_rfc_7515() {
        // Appendix A.1.
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let key = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(key).unwrap());
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn what_is_signed_is_read_until_it_expires() {
        let token = keys().sign(&claims());
        assert_eq!(keys().verify(&token, NOW), Ok(claims()));
        assert_eq!(keys().verify(&token, NOW + 59), Ok(claims()));
        assert_eq!(keys().verify(&token, NOW + 60), Err(BadToken::Expired));
        assert_eq!(signed(&hs256(), &serde_json::to_value(claims()).unwrap()).split('.').count(), 3);
    }

    #[test]
    fn the_previous_key_is_believed_and_no_other() {
        let old = JwtKeys::new(&OLD, None).unwrap();
        let token = old.sign(&claims());
        assert_eq!(keys().verify(&token, NOW), Err(BadToken::Signature));
        let both = JwtKeys::new(&KEY, Some(&OLD)).unwrap();
        assert_eq!(both.verify(&token, NOW), Ok(claims()));
        assert_eq!(both.verify(&token, NOW + 60), Err(BadToken::Expired));
        assert_eq!(keys().verify(&both.sign(&claims()), NOW), Ok(claims()));
    }

    #[test]
    fn the_header_decides_nothing() {
        let claims = serde_json::to_value(claims()).unwrap();
        assert!(keys().verify(&signed(&hs256(), &claims), NOW).is_ok());
        for algorithm in ["none", "None", "HS384", "HS512", "RS256", "ES256", "EdDSA", ""] {
            let token = signed(&json!({"alg": algorithm, "typ": "JWT"}), &claims);
            assert_eq!(keys().verify(&token, NOW), Err(BadToken::Malformed), "{algorithm}");
            let bare = format!("{}.", token.rsplit_once('.').unwrap().0);
            assert!(keys().verify(&bare, NOW).is_err(), "{algorithm}");
        }
        let bare = format!("{}.", signed(&hs256(), &claims).rsplit_once('.').unwrap().0);
        assert_eq!(keys().verify(&bare, NOW), Err(BadToken::Signature));
    }

    #[test]
    fn tokens_for_others_are_not_ours() {
        for (claim, value) in [("iss", json!("another")), ("aud", json!("another"))] {
            let mut other = serde_json::to_value(claims()).unwrap();
            other[claim] = value;
            assert_eq!(keys().verify(&signed(&hs256(), &other), NOW), Err(BadToken::Elsewhere), "{claim}");
        }
        for claim in ["iss", "aud", "exp", "sub", "jti", "roles"] {
            let mut other = serde_json::to_value(claims()).unwrap();
            other.as_object_mut().unwrap().remove(claim);
            assert_eq!(keys().verify(&signed(&hs256(), &other), NOW), Err(BadToken::Malformed), "{claim}");
        }
        let mut odd = serde_json::to_value(claims()).unwrap();
        odd["exp"] = json!("2099-01-01");
        assert_eq!(keys().verify(&signed(&hs256(), &odd), NOW), Err(BadToken::Malformed));
    }

    #[test]
    fn no_character_of_a_token_may_change() {
        let token = keys().sign(&claims());
        for place in 0..token.len() {
            let mut bytes = token.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'A' { b'Q' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(keys().verify(&changed, NOW).is_err(), "place {place}");
        }
        for text in ["", ".", "..", "a.b.c", &"a".repeat(1 << 20), &format!("{token}."), &format!("{token} ")] {
            assert!(keys().verify(text, NOW).is_err(), "{text:.20}");
        }
    }

    #[test]
    fn short_keys_are_refused_and_none_is_printed() {
        assert_eq!(JwtKeys::new(&[1; 31], None).unwrap_err(), ShortKey { has: 31 });
        assert_eq!(JwtKeys::new(&KEY, Some(&[])).unwrap_err(), ShortKey { has: 0 });
        let both = JwtKeys::new(&KEY, Some(&OLD)).unwrap();
        assert_eq!(format!("{both:?}"), "JwtKeys(2 of ***)");
    }
}
