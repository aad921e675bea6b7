//! What gives credentials away: names of fields that hold them, and addresses that carry them. One rule for everything
//! that is stored, shown, logged or said in an error.

use std::borrow::Cow;

use crate::view::MASK;

/// Whose keys are credentials.
const KEYS: [&[u8]; 6] = [b"api", b"access", b"secret", b"private", b"encryption", b"signing"];
/// Parameters of addresses that hold credentials though their names alone would not say so anywhere else.
const PARAMETERS: [&str; 7] = ["key", "auth", "authorization", "sig", "signature", "sas", "code"];
/// Longest user name and password looked for before the `@` of an address.
const MAX_USERINFO: usize = 2_000;

/// Whether a key, a variable or an option of this name holds a password, token, key or other credential.
#[inline]
#[must_use]
pub fn names_credential(name: &(impl AsRef<[u8]> + ?Sized)) -> bool {
    let bytes = name.as_ref();
    if let Some(before) = without_ending(bytes, b"secret")
        && before.last().is_none_or(|byte| !byte.is_ascii_alphabetic())
    {
        return true;
    }
    ends_in_credential(bytes)
        || (matches!(bytes.last(), Some(b's' | b'S')) && ends_in_credential(&bytes[..bytes.len() - 1]))
}

#[inline]
fn ends_in_credential(bytes: &[u8]) -> bool {
    // The last two letters rule nearly every name out.
    let [.., before, last] = bytes else { return false };
    let ending: &[u8] = match (before.to_ascii_lowercase(), last.to_ascii_lowercase()) {
        (b's', b's') => b"pass",
        (b'r', b'd') => b"password",
        (b's', b'e') => b"passphrase",
        (b'e', b'n') => b"token",
        (b'a', b'l') => b"credential",
        (b'w', b'd') => return without_ending(bytes, b"pwd").is_some() || without_ending(bytes, b"passwd").is_some(),
        (b'e', b'y') => return ends_in_pair(bytes, b"key", &KEYS),
        (b'e', b't') => return ends_in_pair(bytes, b"secret", &[b"client"]),
        _ => return false,
    };
    without_ending(bytes, ending).is_some()
}

/// Two words with `_`, `-` or nothing between them.
fn ends_in_pair(bytes: &[u8], last: &[u8], firsts: &[&[u8]]) -> bool {
    let Some(before) = without_ending(bytes, last) else { return false };
    let joined = before.strip_suffix(b"_").or_else(|| before.strip_suffix(b"-")).unwrap_or(before);
    firsts.iter().any(|first| without_ending(joined, first).is_some())
}

/// What stands before an ending, whatever its case.
#[inline]
fn without_ending<'t>(bytes: &'t [u8], ending: &[u8]) -> Option<&'t [u8]> {
    let at = bytes.len().checked_sub(ending.len())?;
    bytes[at..].eq_ignore_ascii_case(ending).then(|| &bytes[..at])
}

/// Whether a text says where its value comes from instead of being it: `${NAME}`, `{{ .name }}`, `$(NAME)`, `<<name>>`.
#[inline]
#[must_use]
pub fn is_template(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| matches!(pair, b"${" | b"{{" | b"$(" | b"<<"))
}

/// Whether the whole text is an e-mail address.
#[must_use]
pub fn is_email(text: &str) -> bool {
    // A block of one line ends with its break.
    let text = text.strip_suffix('\n').unwrap_or(text);
    let Some((name, host)) = text.split_once('@') else { return false };
    let is_part = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@:/".contains(c));
    let Some((host, top)) = host.rsplit_once('.') else { return false };
    is_part(name) && is_part(host) && is_part(top)
}

/// A text with a mask in the place of every credential that an address in it carries: what stands before the `@`
/// (`https://user:token@host`), and values of parameters that hold credentials (`?private_token=...`).
///
/// The user name of an ssh address stays where no password follows: it is part of the address.
#[must_use]
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find("://") {
        let scheme_end = at + found;
        let start = scheme_end + 3;
        let scheme = text[..scheme_end].rsplit(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).next();
        let end = start + text[start..].find(ends_address).unwrap_or(text.len() - start);
        at = start;
        if let Some(userinfo) = userinfo(scheme.unwrap_or_default(), &text[start..end]) {
            shown.push_str(&text[from..start]);
            shown.push_str(MASK);
            from = start + userinfo;
            at = from;
        }
        // What stands before an `@` is gone; behind it parameters are looked for.
        let Some(query) = text[at..end].find(['?', '#', ';']) else { continue };
        at += query + 1;
        while at <= end {
            let length = text[at..end].find(['&', ';', '#', '?']).unwrap_or(end - at);
            if let Some((name, value)) = text[at..at + length].split_once('=')
                && is_credential_parameter(name)
                && !value.is_empty()
                && value != MASK
                && !is_template(value)
            {
                shown.push_str(&text[from..=(at + name.len())]);
                shown.push_str(MASK);
                from = at + length;
            }
            at += length + 1;
        }
        at = end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[from..]);
    Cow::Owned(shown)
}

/// The address of a repository or forge as it may be shown, stored and said: without credentials, also where the scheme is
/// missing or mistyped (`user:token@host/path`, `host/path?token=...`). The user of `git@host:path` is part of it.
#[must_use]
pub fn shown_address(text: &str) -> Cow<'_, str> {
    if text.contains("://") {
        return without_credentials(text);
    }
    // Whoever stands before the `@` alone is a user, as in ssh addresses.
    let spelled = format!("ssh://{text}");
    match without_credentials(&spelled) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(shown) => Cow::Owned(shown["ssh://".len()..].to_owned()),
    }
}

/// Whether an address carries credentials.
#[must_use]
pub fn has_credentials(address: &str) -> bool {
    shown_address(address) != address
}

fn ends_address(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '\\' | '|')
}

fn is_credential_parameter(name: &str) -> bool {
    names_credential(name)
        || PARAMETERS.iter().any(|known| {
            without_ending(name.as_bytes(), known.as_bytes())
                .is_some_and(|before| before.last().is_none_or(|byte| *byte == b'-'))
        })
}

/// How many bytes of an address behind its `://` are a user and password that must not be shown.
fn userinfo(scheme: &str, rest: &str) -> Option<usize> {
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = match rest[..authority].rfind('@') {
        Some(at) => at,
        // A password with a slash that nobody escaped: `user:pa/ss@host`. What follows a host's colon is a number.
        None => {
            let (_, port) = rest[..authority].split_once(':')?;
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() || is_template(port) {
                return None;
            }
            rest[authority..].find('@')? + authority
        }
    };
    let user = &rest[..at];
    let is_shell = ["ssh", "git+ssh", "svn+ssh", "sftp"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let harmless = user.is_empty() || user == MASK || (is_shell && !user.contains(':'));
    // `${USER}:${PASSWORD}` says where they come from; `user:${PASSWORD}` shows nothing either.
    let secret = user.split_once(':').map_or(user, |(_, password)| password);
    (!harmless && user.len() <= MAX_USERINFO && !is_template(secret)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_end_in_a_credential_are_known_however_they_are_written() {
        let names = "password PASSWORD dbPassword admin_passwd root-pass passphrase pwd token TOKENS api_key apiKey API-KEYS \
            accessKey secret_key privateKey encryption-key signingkey clientSecret client_secret credentials secret MY_SECRET \
            my-secret auth.secret bot-token";
        for name in names.split_whitespace() {
            assert!(names_credential(name), "{name}");
        }
        let others = "secretName existingSecret tokenTTL keyRef key name secretKeyRef secrets publicKey passwordKey \
            topologyKey username host pullSecret image accessKeyId credentialsRef";
        for name in others.split_whitespace() {
            assert!(!names_credential(name), "{name}");
        }
    }

    #[test]
    fn addresses_lose_what_they_must_not_tell_and_nothing_else() {
        for (text, shown) in [
            ("https://user:hunter@host/a", "https://••••••@host/a"),
            ("https://hunter@host/a.git", "https://••••••@host/a.git"),
            ("oci://user:hunter@host/a and http://u:hunter@b", "oci://••••••@host/a and http://••••••@b"),
            ("postgres://u:hun/ter@host:5432/db", "postgres://••••••@host:5432/db"),
            ("redis://:hunter@host:6379/0", "redis://••••••@host:6379/0"),
            ("ssh://git:hunter@host/a", "ssh://••••••@host/a"),
            ("https://h/a?ref=main&private_token=hunter&x=1", "https://h/a?ref=main&private_token=••••••&x=1"),
            (
                "https://h/a?X-Amz-Signature=hunter#access_token=hunter",
                "https://h/a?X-Amz-Signature=••••••#access_token=••••••",
            ),
            (
                "jdbc:sqlserver://h:1433;user=a;password=hunter;x=y",
                "jdbc:sqlserver://h:1433;user=a;password=••••••;x=y",
            ),
            ("https://é:hunter@höst/?token=hunter", "https://••••••@höst/?token=••••••"),
        ] {
            assert_eq!(without_credentials(text), shown);
            assert_eq!(without_credentials(shown), shown, "masked once is masked for good");
        }
        for text in [
            "ssh://git@host/a",
            "https://host/a/b@v1.2",
            "https://host:8443/@scope/a?ref=main",
            "https://${USER}:${PASSWORD}@host/",
            "https://host/?token=${TOKEN}&keyRef=a",
            "git@host:a/b.git",
            "no address at all, a@b",
            "https://host?q=1&sort=key",
        ] {
            assert_eq!(without_credentials(text), text);
        }
    }

    #[test]
    fn addresses_without_a_scheme_lose_them_too() {
        for (text, shown) in [
            ("user:hunter@host/a/b", "••••••@host/a/b"),
            ("hunter:x-oauth-basic@host:a/b.git", "••••••@host:a/b.git"),
            ("https:/user:hunter@host/a", "••••••@host/a"),
            ("host/a/b?private_token=hunter", "host/a/b?private_token=••••••"),
            ("https://hunter@host/a/b", "https://••••••@host/a/b"),
        ] {
            assert_eq!(shown_address(text), shown);
            assert!(has_credentials(text));
        }
        for text in ["git@host:a/b.git", "owner/name", "/srv/git/a@b", "https://host/a/b?ref=main", "host.example/a/b"]
        {
            assert_eq!(shown_address(text), text);
            assert!(!has_credentials(text));
        }
    }

    #[test]
    fn an_e_mail_address_is_all_of_its_text() {
        assert!(is_email("someone@example.org") && is_email("someone@example.org\n"));
        for text in
            ["@example.org", "a@b", "a b@example.org", "image@sha256:abc.d", "https://a@example.org", "a@b@example.org"]
        {
            assert!(!is_email(text), "{text}");
        }
    }
}
