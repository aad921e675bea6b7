//! The second factor: codes of an authenticator app (RFC 6238), and the codes for the day when it is lost.

use std::fmt;

use qrcode::render::svg::Color;
use qrcode::{EcLevel, QrCode};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use crate::{random, random_text, sha256};

/// Seconds that a code is shown for.
const STEP: i64 = 30;
/// How far an app's clock may be off, in steps.
const SKEW: i64 = 1;
/// What RFC 4226 recommends, and the length of SHA-1's output.
const BYTES: usize = 20;
/// What apps show above the code.
const ISSUER: &str = "Kubestats";

/// Without those that look like others: 0 and O, 1, I and L.
const ALPHABET: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";
const CODES: usize = 10;
/// 118 bits in all: what has more than 112 may be kept by a fast hash (ASVS 6.5.2), which also lets it be looked up.
const GROUPS: usize = 6;
const GROUP: usize = 4;

/// What the app and we share.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; BYTES]>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Secret {
    #[must_use]
    pub fn generate() -> Self {
        Self(random())
    }

    /// The bytes that [`Secret::as_bytes`] gave; `None` where their number is not right.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// To be sealed and kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// For apps that read no QR codes.
    #[must_use]
    pub fn base32(&self) -> String {
        data_encoding::BASE32_NOPAD.encode(self.as_bytes())
    }

    /// The address that an app takes the secret from; `account` is what it shows below its name.
    #[must_use]
    pub fn otpauth_url(&self, account: &str) -> String {
        // A colon would part the name, and a name without end would not fit into a QR code.
        let account: String = account.chars().filter(|c| *c != ':' && !c.is_control()).take(128).collect();
        let account = if account.is_empty() { "account".to_owned() } else { account };
        self.totp(&account).to_url().expect("the account's name is neither empty nor has it a colon")
    }

    /// The same as a picture, in lines and without any style.
    #[must_use]
    pub fn qr_svg(&self, account: &str) -> String {
        let url = Zeroizing::new(self.otpauth_url(account));
        let code = QrCode::with_error_correction_level(url.as_bytes(), EcLevel::M)
            .expect("an address with a bounded name fits into a QR code");
        let picture = code.render::<Color<'_>>().min_dimensions(240, 240).build();
        // An XML declaration has no place within a page.
        let start = picture.find("<svg").unwrap_or_default();
        picture[start..].replacen("<svg", r#"<svg role="img" aria-label="QR code for an authenticator app""#, 1)
    }

    /// The step of a code that is right at this time (seconds since 1970): keep it, as every code counts once. A code of a step
    /// at or before `last_step` is a replay.
    #[must_use]
    pub fn check(&self, code: &str, at_unix: i64, last_step: Option<i64>) -> Option<i64> {
        // Apps show "123 456", and so it is copied.
        let code: Zeroizing<String> = Zeroizing::new(code.chars().filter(|c| !c.is_whitespace()).take(7).collect());
        if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let totp = self.totp("account");
        let now = at_unix.div_euclid(STEP);
        (now - SKEW..=now + SKEW)
            .filter(|step| last_step.is_none_or(|last| *step > last))
            // Compared in constant time.
            .find(|step| {
                let at = step.checked_mul(STEP).and_then(|at| u64::try_from(at).ok());
                at.is_some_and(|at| totp.check(&code, at).is_some())
            })
    }

    fn totp(&self, account: &str) -> Totp {
        Builder::new()
            .with_secret(self.as_bytes().to_vec())
            .with_skew(0)
            .with_account_name(account)
            .with_issuer(Some(ISSUER))
            .build()
            .expect("the secret's length is the recommended one, and the names have no colon")
    }
}

/// New recovery codes: what to show once, and the hashes to keep. Each is good for one sign-in.
#[must_use]
pub fn recovery_codes() -> Vec<(Zeroizing<String>, [u8; 32])> {
    let code = |_| {
        let plain = random_text(ALPHABET, GROUPS * GROUP);
        let mut shown = Zeroizing::new(String::with_capacity(GROUPS * (GROUP + 1)));
        for (place, character) in plain.char_indices() {
            if place > 0 && place % GROUP == 0 {
                shown.push('-');
            }
            shown.push(character);
        }
        (shown, sha256(&plain))
    };
    (0..CODES).map(code).collect()
}

/// The hash that a recovery code is known by, however its case, spaces and dashes were typed; `None` for what cannot be one.
#[must_use]
pub fn hash_recovery_code(text: &str) -> Option<[u8; 32]> {
    const LENGTH: usize = GROUPS * GROUP;
    let mut plain = Zeroizing::new(String::with_capacity(LENGTH));
    for character in text.chars().take(4 * LENGTH) {
        // Programs for writing make longer dashes of short ones.
        if character.is_whitespace() || matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}') {
            continue;
        }
        let character = character.to_ascii_lowercase();
        if plain.len() == LENGTH || !character.is_ascii() || !ALPHABET.contains(&(character as u8)) {
            return None;
        }
        plain.push(character);
    }
    (plain.len() == LENGTH).then(|| sha256(&plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238's secret, and its table for SHA-1; of eight digits the last six.
    fn rfc() -> Secret {
        Secret::from_bytes(b"12345678901234567890").unwrap()
    }

    const TABLE: &[(i64, &str)] = &[
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    #[test]
    fn codes_are_those_of_rfc_6238() {
        for (at, code) in TABLE {
            assert_eq!(rfc().check(code, *at, None), Some(at / 30), "{at}");
        }
    }

    #[test]
    fn a_clock_may_be_off_by_one_step() {
        for (at, code) in TABLE {
            let first = at / 30 * 30;
            for (now, right) in
                [(first - 31, false), (first - 30, true), (first + 29, true), (first + 59, true), (first + 60, false)]
            {
                assert_eq!(rfc().check(code, now, None), right.then_some(at / 30), "{code} at {now}");
            }
        }
    }

    #[test]
    fn a_code_counts_once() {
        let step = Some(1_111_111_111 / 30);
        assert_eq!(rfc().check("050471", 1_111_111_111, None), step);
        assert_eq!(rfc().check("050471", 1_111_111_111, step), None);
        assert_eq!(rfc().check("050471", 1_111_111_111 + 29, step), None);
        // That of the step before, seen over a shoulder, comes too late as well.
        assert_eq!(rfc().check("081804", 1_111_111_111, None), Some(1_111_111_109 / 30));
        assert_eq!(rfc().check("081804", 1_111_111_111, step), None);
        assert_eq!(rfc().check("050471", 1_111_111_111, Some(1_111_111_109 / 30)), step);
    }

    #[test]
    fn codes_have_six_digits_and_maybe_a_space() {
        for code in ["050 471", " 050471\n", "050\u{a0}471"] {
            assert!(rfc().check(code, 1_111_111_111, None).is_some(), "{code:?}");
        }
        let long = "050471".repeat(100_000);
        for code in ["", "50471", "14050471", "+50471", "-50471", "٠٥٠٤٧١", "0504710", "05047a", &long] {
            assert_eq!(rfc().check(code, 1_111_111_111, None), None, "{code:.20}");
        }
        assert_eq!(rfc().check("755224", 0, None), Some(0), "RFC 4226's first code");
        assert_eq!(rfc().check("755224", -1, None), Some(0));
        assert_eq!(rfc().check("755224", -100, None), None);
        assert_eq!(rfc().check("755224", i64::MIN, None), None);
        assert_eq!(rfc().check("755224", i64::MAX, None), None);
    }

    #[test]
    fn apps_get_an_address_that_they_read() {
        assert_eq!(rfc().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            rfc().otpauth_url("anna@clusterhof.example"),
            "otpauth://totp/Kubestats:anna%40clusterhof.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Kubestats"
        );
        assert!(rfc().otpauth_url("a:b&secret=c#/?\n").contains("Kubestats:ab%26secret%3Dc%23%2F%3F?secret=GEZ"));
        assert!(rfc().otpauth_url("").contains("Kubestats:account?"));
    }

    #[test]
    fn the_picture_is_one_that_a_strict_policy_shows() {
        let picture = rfc().qr_svg("anna@clusterhof.example");
        assert!(picture.starts_with(r#"<svg role="img" aria-label="#), "{picture:.100}");
        assert!(picture.ends_with("</svg>"));
        for forbidden in ["style", "<?xml", "<script", "href", "GEZDGNBV", "anna"] {
            assert!(!picture.contains(forbidden), "{forbidden}");
        }
        assert_ne!(picture, rfc().qr_svg("anna@clusterhof.exampl"));
        assert!(rfc().qr_svg(&"🦀".repeat(5000)).ends_with("</svg>"));
    }

    #[test]
    fn secrets_differ_and_are_not_printed() {
        let secret = Secret::generate();
        assert_ne!(secret.as_bytes(), Secret::generate().as_bytes());
        assert_eq!(Secret::from_bytes(secret.as_bytes()).unwrap().base32(), secret.base32());
        assert!(Secret::from_bytes(&[0; 19]).is_none());
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }

    #[test]
    fn recovery_codes_are_read_however_they_are_typed() {
        let codes = recovery_codes();
        assert_eq!(codes.len(), 10);
        for (code, hash) in &codes {
            assert_eq!(code.len(), 29);
            assert!(code.split('-').all(|group| group.len() == 4 && group.bytes().all(|b| ALPHABET.contains(&b))));
            let upper = code.to_uppercase();
            for typed in [
                code.as_str(),
                upper.as_str(),
                &code.replace('-', ""),
                &code.replace('-', " "),
                &code.replace('-', "–"),
                &format!("  {}\t", upper.replace('-', " - ")),
            ] {
                assert_eq!(hash_recovery_code(typed), Some(*hash), "{typed:?}");
            }
            assert_eq!(codes.iter().filter(|(_, other)| other == hash).count(), 1);
            for wrong in
                [&code[1..], &format!("{}a", **code), &format!("{}0", &code[..28]), &format!("ä{}", &code[1..])]
            {
                assert_eq!(hash_recovery_code(wrong), None, "{wrong}");
            }
        }
        assert_eq!(hash_recovery_code(""), None);
        assert_eq!(hash_recovery_code(&"a".repeat(1 << 20)), None);
    }
}
