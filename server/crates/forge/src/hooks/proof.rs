//! Whether a webhook was made by somebody who knows the secret. Compared in the same time whatever is wrong.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

use super::payload::Payload;
use super::{HookError, HookKind, header, malformed};

/// How far the clock of a sender may be off, as the Standard Webhooks specification has it.
const TOLERANCE_SECONDS: i64 = 300;
/// Signatures of one webhook that are looked at: there is more than one only while a secret is being replaced.
const MAX_SIGNATURES: usize = 20;
/// Keys that are made by taking a secret for Base64 are no shorter: others are no keys but short words.
const MIN_KEY_BYTES: usize = 16;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const GITHUB: &str = "X-Hub-Signature-256";
const GITLAB: &str = "X-Gitlab-Token";
const FORGEJO: &str = "X-Forgejo-Signature";
const GENERIC: &str = "X-Signature";
const STANDARD: &str = "webhook-signature";

/// Says whether a webhook is genuine.
pub(super) fn check(
    kind: HookKind,
    headers: &HeaderMap,
    payload: &Payload<'_>,
    secret: &str,
    now: DateTime<Utc>,
) -> Result<(), HookError> {
    let raw = payload.raw;
    let expected = match kind {
        HookKind::Github => GITHUB,
        HookKind::Gitlab => GITLAB,
        HookKind::Forgejo => FORGEJO,
        HookKind::Generic => "webhook-signature or X-Signature",
    };
    // Nobody's secret is empty; were it, everybody would know it.
    if secret.is_empty() {
        return Err(HookError::WrongSignature { header: expected });
    }
    let hex_of = |name: &'static str, text: &str, signed: &[u8]| match is_hex_mac(text, signed, secret) {
        true => Ok(()),
        false => Err(HookError::WrongSignature { header: name }),
    };
    match kind {
        HookKind::Github => match header(headers, GITHUB) {
            Some(text) => hex_of(GITHUB, text, raw),
            None => Err(HookError::Unsigned { expected }),
        },
        HookKind::Forgejo => {
            // Of a form the text within it is signed, unlike GitHub's.
            let signed = payload.json.as_ref();
            let mut names = [FORGEJO, "X-Gitea-Signature", GITHUB].into_iter();
            match names.find_map(|name| Some((name, header(headers, name)?))) {
                Some((name, text)) => hex_of(name, text, signed),
                None => Err(HookError::Unsigned { expected }),
            }
        }
        HookKind::Gitlab => match (header(headers, GITLAB), header(headers, STANDARD)) {
            (Some(token), _) if bool::from(token.as_bytes().ct_eq(secret.as_bytes())) => Ok(()),
            (_, Some(signatures)) => standard(headers, signatures, raw, secret, now),
            (Some(_), None) => Err(HookError::WrongSignature { header: GITLAB }),
            (None, None) => Err(HookError::Unsigned { expected }),
        },
        HookKind::Generic => match (header(headers, STANDARD), header(headers, GENERIC)) {
            (Some(signatures), _) => standard(headers, signatures, raw, secret, now),
            (None, Some(text)) => hex_of(GENERIC, text, raw),
            (None, None) => Err(HookError::Unsigned { expected }),
        },
    }
}

/// `None` never happens, as keys of any length are keys, and proves nothing.
fn mac(key: &[u8], signed: &[&[u8]]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in signed {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

/// `sha256=<hex>`, or the digits alone.
fn is_hex_mac(text: &str, signed: &[u8], secret: &str) -> bool {
    let mut told = [0_u8; 32];
    let digits = text.strip_prefix("sha256=").unwrap_or(text);
    let is_read = hex::decode_to_slice(digits, &mut told).is_ok();
    let made = mac(secret.as_bytes(), &[signed]);
    made.is_some_and(|made| bool::from(made.as_slice().ct_eq(told.as_slice()))) && is_read
}

/// `v1,<Base64>`, several of them apart by spaces, over id, time and body: <https://www.standardwebhooks.com>, which GitLab's
/// signing tokens follow too.
fn standard(
    headers: &HeaderMap,
    signatures: &str,
    body: &[u8],
    secret: &str,
    now: DateTime<Utc>,
) -> Result<(), HookError> {
    let unsigned = |expected| HookError::Unsigned { expected };
    let id = header(headers, "webhook-id").ok_or(unsigned("webhook-id"))?;
    let time = header(headers, "webhook-timestamp").ok_or(unsigned("webhook-timestamp"))?;
    let seconds: i64 =
        time.parse().map_err(|_| malformed("its webhook-timestamp is no number of seconds since 1970"))?;
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", body];
    let mut is_genuine = Choice::from(0);
    for made in keys(secret).iter().filter_map(|key| mac(key, &signed)) {
        for signature in signatures.split_whitespace().take(MAX_SIGNATURES) {
            let told = signature.strip_prefix("v1,").and_then(|text| BASE64.decode(text).ok()).unwrap_or_default();
            is_genuine |= told.as_slice().ct_eq(made.as_slice());
        }
    }
    if !bool::from(is_genuine) {
        return Err(HookError::WrongSignature { header: STANDARD });
    }
    let age = now.timestamp().saturating_sub(seconds);
    if age.unsigned_abs() > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(HookError::Stale { seconds: age });
    }
    Ok(())
}

/// What a secret may mean: Base64 behind `whsec_` as the specification has it, the same without, or its own letters.
fn keys(secret: &str) -> Vec<Vec<u8>> {
    let decoded = BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok();
    decoded.filter(|key| key.len() >= MIN_KEY_BYTES).into_iter().chain([secret.as_bytes().to_vec()]).collect()
}
