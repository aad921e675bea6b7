//! Whether a file can hold anything secret at all: one pass over its text, so that the many that cannot cost no walk.

use entity::credential::names_credential;
use memchr::{memchr, memchr_iter, memchr2_iter, memmem};

use super::Rules;

/// Keys under which everything is secret, or that make Secrets of what stands under them; in lower case.
pub(super) const SECRET_KEYS: [&str; 3] = ["stringdata", "securejsondata", "encrypteddata"];
/// Longest word that is looked at.
const WORD: usize = 40;

/// Whether any word or mark of a file's texts makes it worth a walk over its nodes.
pub(super) fn any(texts: &str, rules: &Rules) -> bool {
    let bytes = texts.as_bytes();
    // Escapes hide words.
    if memchr_iter(b'\\', bytes).any(|at| matches!(bytes.get(at + 1), Some(b'u' | b'x'))) {
        return true;
    }
    if rules.emails && memchr(b'@', bytes).is_some_and(|first| is_email_near(bytes, first)) {
        return true;
    }
    if rules.credentials && memmem::find_iter(bytes, b"--").any(|at| is_option(&bytes[at + 2..])) {
        return true;
    }
    memchr2_iter(b':', b'=', bytes).any(|at| {
        if bytes[at] == b':' && bytes[at + 1..].starts_with(b"//") {
            return rules.urls && is_address_with_more(&bytes[at + 3..]);
        }
        if !may_end_a_sign(&bytes[..at]) {
            return false;
        }
        let word = word_before(&bytes[..at]);
        match word.len() {
            4 if word.eq_ignore_ascii_case(b"kind") => has_secret(word_after(&bytes[at + 1..])),
            4 if word.eq_ignore_ascii_case(b"type") => is_type_of_secret(word_after(&bytes[at + 1..])),
            4 if word.eq_ignore_ascii_case(b"name") => {
                let name = word_after(&bytes[at + 1..]);
                rules.credentials && (is_elsewhere(name) || is_credential(name, rules))
            }
            4 if word.eq_ignore_ascii_case(b"path") => {
                let path = word_after(&bytes[at + 1..]);
                is_elsewhere(path)
                    || path.starts_with(b"/data")
                    || has(path, b"stringdata")
                    || is_credential(path, rules)
            }
            4 if word == b"sops" => true,
            15 if word.eq_ignore_ascii_case(b"secretGenerator") => true,
            _ => is_credential(word, rules) || SECRET_KEYS.iter().any(|key| word.eq_ignore_ascii_case(key.as_bytes())),
        }
    })
}

/// Whether the last two letters may be those of a word that is looked for, singular or plural: they rule out nearly every
/// key at the cost of two bytes.
#[inline]
fn may_end_a_sign(before: &[u8]) -> bool {
    let [.., first, last] = before else { return false };
    if !last.is_ascii_alphanumeric() {
        // Quotes and blanks, behind which the word stands.
        return true;
    }
    matches!(
        &[first.to_ascii_lowercase(), last.to_ascii_lowercase()],
        // pass, password, passphrase, token, credential, pwd, passwd, key, secret
        b"ss" | b"rd" | b"se" | b"en" | b"al" | b"wd" | b"ey" | b"et"
        | b"ds" | b"es" | b"ns" | b"ls" | b"ys" | b"ts"
        // kind, type, name, path, sops, secretGenerator, stringData and others
        | b"nd" | b"pe" | b"me" | b"th" | b"ps" | b"or" | b"ta"
    )
}

fn is_credential(word: &[u8], rules: &Rules) -> bool {
    rules.credentials && names_credential(word)
}

/// `--password`, with whatever behind it.
fn is_option(rest: &[u8]) -> bool {
    let length =
        rest.iter().take(WORD).take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte)).count();
    length > 2 && names_credential(&rest[..length])
}

/// Digests have an `@` too; an e-mail address has a dot behind it.
fn is_email_near(bytes: &[u8], first: usize) -> bool {
    memchr_iter(b'@', &bytes[first..]).any(|at| {
        let rest = &bytes[first + at + 1..];
        let length =
            rest.iter().take(100).take_while(|byte| !byte.is_ascii_whitespace() && !b":/\"'".contains(byte)).count();
        rest[..length].contains(&b'.')
    })
}

fn is_address_with_more(rest: &[u8]) -> bool {
    rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).any(|byte| matches!(byte, b'@' | b'?' | b'#' | b';'))
}

/// The word before a colon or an equals sign, quotes and blanks between them left out.
fn word_before(before: &[u8]) -> &[u8] {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\');
    let end = before.len() - before.iter().rev().take(WORD).take_while(|byte| blank(byte)).count();
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let length = before[..end].iter().rev().take(WORD).take_while(|byte| word(byte)).count();
    &before[end - length..end]
}

/// The word after a colon, whatever stands around it; tags and anchors before it are left out.
fn word_after(mut after: &[u8]) -> &[u8] {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\');
    for _ in 0..3 {
        let start = after.iter().take(WORD).take_while(|byte| blank(byte)).count();
        let end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\' | b',' | b'}');
        let length = after[start..].iter().take(4 * WORD).take_while(|byte| !end(byte)).count();
        let word = &after[start..start + length];
        if !word.starts_with(b"!") && !word.starts_with(b"&") {
            return word;
        }
        after = &after[start + length..];
    }
    b""
}

/// Whether the word stands elsewhere, so that only the nodes can tell.
fn is_elsewhere(word: &[u8]) -> bool {
    matches!(word.first(), None | Some(b'*' | b'|' | b'>'))
}

fn has_secret(word: &[u8]) -> bool {
    has(word, b"secret") || is_elsewhere(word)
}

fn is_type_of_secret(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"Opaque")
        || word.starts_with(b"kubernetes.io/")
        || word.starts_with(b"bootstrap.kubernetes")
}

fn has(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_that_is_looked_for_is_ruled_out_by_its_ending() {
        let words =
            ["pass", "password", "passphrase", "token", "credential", "pwd", "passwd", "apiKey", "client_secret"];
        let keys = ["kind", "type", "name", "path", "sops", "secretGenerator"];
        for word in words.iter().flat_map(|word| [(*word).to_owned(), format!("{word}s"), word.to_uppercase()]) {
            assert!(names_credential(&word), "{word}");
            assert!(any(&format!("a: 1\n{word}: x\n"), &Rules::default()), "{word}");
        }
        for key in keys.iter().chain(&SECRET_KEYS) {
            assert!(may_end_a_sign(key.as_bytes()), "{key}");
        }
        assert!(!may_end_a_sign(b"image"));
    }
}
