//! What a version pins.

use entity::kind::VersionKind;

use super::super::text::is_template;

/// What kind of version a text is.
#[must_use]
pub fn version_kind(version: Option<&str>) -> VersionKind {
    let Some(version) = version.filter(|version| !version.is_empty()) else { return VersionKind::None };
    let hexadecimal = |digits: &str| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_template(version) {
        VersionKind::Templated
    } else if version.strip_prefix("sha256:").is_some_and(|digits| digits.len() >= 6 && hexadecimal(digits)) {
        VersionKind::Digest
    } else if is_exact(version) {
        VersionKind::Exact
    } else if is_range(version) {
        VersionKind::Range
    } else {
        VersionKind::Floating
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Three numbers with an optional `v`, and what may follow them. Leading zeros are fine, which SemVer would refuse.
fn is_exact(version: &str) -> bool {
    let version = version.strip_prefix('v').unwrap_or(version);
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
    };
    let (version, build) = version.split_once('+').map_or((version, None), |(version, build)| (version, Some(build)));
    let (numbers, pre) = version.split_once('-').map_or((version, None), |(numbers, pre)| (numbers, Some(pre)));
    numbers.split('.').count() == 3
        && numbers.split('.').all(is_number)
        && build.is_none_or(is_word)
        && pre.is_none_or(is_word)
}

fn is_range(version: &str) -> bool {
    let numbers = version.strip_prefix('v').unwrap_or(version);
    let short = numbers.split('.').count() <= 2 && numbers.split('.').all(is_number);
    let spaced = version.match_indices('-').any(|(at, _)| {
        version[..at].ends_with(char::is_whitespace) && version[at + 1..].starts_with(char::is_whitespace)
    });
    short
        || version.contains(['*', '^', '~', '<', '>', '=', '|', ','])
        || version.split('.').any(|part| part == "x" || part == "X")
        || spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart_by_what_they_leave_open() {
        use VersionKind::{Digest, Exact, Floating, None, Range, Templated};
        for (version, kind) in [
            ("", None),
            ("1.2.3", Exact),
            ("v1.2.3-rc.1+build", Exact),
            ("1.2.3-", Floating),
            ("1.2", Range),
            ("v1", Range),
            ("1.x", Range),
            (">=1.2.3", Range),
            ("1.2.3 - 2.0.0", Range),
            ("1.2.3, 1.2.4", Range),
            ("latest", Floating),
            ("1.2.3.4", Floating),
            ("${VERSION}", Templated),
            ("sha256:0123ab", Digest),
        ] {
            assert_eq!(version_kind(Some(version)), kind, "{version}");
        }
    }
}
