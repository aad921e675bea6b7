//! The order of versions as people write them: `1.10.0` after `v1.9`, `2024.1` after `2023.12`, `1.0.0-rc.1` before `1.0.0`.

use std::cmp::Ordering;

/// Compares two versions. What differs only in how it is written (`v1.2` and `1.2`) is ordered by its text.
pub(crate) fn compare_versions(left: &str, right: &str) -> Ordering {
    compare(left, right).then_with(|| left.cmp(right))
}

/// Compares them, however they are written.
fn compare(left: &str, right: &str) -> Ordering {
    let (a, b) = (Parts::of(left), Parts::of(right));
    // What is no number has no place among numbers: `latest` is not the highest.
    let begins = |release: &str| release.starts_with(|first: char| first.is_ascii_digit());
    begins(a.release).cmp(&begins(b.release)).then_with(|| compare_parts(a.release, b.release)).then_with(|| {
        match (a.before, b.before) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => compare_parts(left, right),
        }
    })
}

/// Whether it is a version of which another can be higher or lower: numbers, perhaps of one before a release. A digest, a range
/// and the name of a branch are none.
pub(super) fn is_ordered(version: &str) -> bool {
    let mut pieces = pieces(Parts::of(version).release).peekable();
    pieces.peek().is_some() && pieces.all(|piece| matches!(piece, Piece::Number(_)))
}

/// Whether a version is lower than another, where both can be told: not where one is the other, only written otherwise.
pub(super) fn is_lower(version: &str, than: &str) -> bool {
    is_ordered(version) && is_ordered(than) && compare(version, than).is_lt()
}

/// Whether it is one before a release: `1.0.0-rc.1`.
pub(super) fn is_prerelease(version: &str) -> bool {
    Parts::of(version).before.is_some()
}

/// The first number.
#[must_use]
pub fn major(version: &str) -> Option<u64> {
    let digits = Parts::of(version).release;
    digits.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

struct Parts<'v> {
    release: &'v str,
    before: Option<&'v str>,
}

impl<'v> Parts<'v> {
    fn of(version: &'v str) -> Self {
        let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
        let version = version.split_once('+').map_or(version, |(version, _)| version);
        match version.split_once('-') {
            Some((release, before)) if release.starts_with(|first: char| first.is_ascii_digit()) => {
                Self { release, before: Some(before) }
            }
            _ => Self { release: version, before: None },
        }
    }
}

/// Part by part: numbers by their value, before words; what is missing is 0.
fn compare_parts(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (pieces(left), pieces(right));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(Piece::Number(a)), Some(Piece::Number(b))) => a.cmp(&b),
            (Some(Piece::Word(a)), Some(Piece::Word(b))) => a.cmp(b),
            (Some(Piece::Number(_)), Some(Piece::Word(_))) => Ordering::Less,
            (Some(Piece::Word(_)), Some(Piece::Number(_)) | None) => Ordering::Greater,
            (Some(Piece::Number(a)), None) => a.cmp(&0),
            (None, Some(Piece::Number(b))) => 0.cmp(&b),
            (None, Some(Piece::Word(_))) => Ordering::Less,
        };
        if order.is_ne() {
            return order;
        }
    }
}

enum Piece<'v> {
    Number(u128),
    Word(&'v str),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(['.', '-', '_']);
        let first = rest.chars().next()?;
        let is_digit = first.is_ascii_digit();
        let is_separator = |character: char| matches!(character, '.' | '-' | '_');
        let end = rest.find(|character: char| character.is_ascii_digit() != is_digit || is_separator(character));
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        // More digits than any number has are a word.
        Some(piece.parse().ok().filter(|_| is_digit).map_or(Piece::Word(piece), Piece::Number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_in_which_people_read_them() {
        let ordered = [
            "*",
            ">=1",
            "latest",
            "main",
            "sha256:0a",
            "sha256:9f",
            "0.9",
            "1.0.0-alpha.1",
            "1.0.0-alpha.10",
            "1.0.0-rc.1",
            "v1.0.0",
            "1.0.1",
            "1.9",
            "v1.10.0",
            "1.10.0+2",
            "2.0-beta",
            "2",
            "2023.12.1",
            "2024.1",
            "99999999999999999999999999999999999999999999999",
        ];
        for pair in ordered.windows(2) {
            let order = compare_versions(pair[0], pair[1]);
            // What is written in two ways is in the order of its text.
            assert!(order.is_lt() || pair == ["v1.10.0", "1.10.0+2"], "{} {order:?} {}", pair[0], pair[1]);
        }
        assert_eq!(compare_versions("1.2", "1.2"), Ordering::Equal);
        for (version, is) in [
            ("v1.2.3", true),
            ("1.2.3-rc.1", true),
            ("2024", true),
            ("1.x", false),
            ("^1.2", false),
            ("12ab", false),
            ("", false),
        ] {
            assert_eq!(is_ordered(version), is, "{version}");
        }
        assert!(
            is_lower("1.9", "1.10")
                && !is_lower("1.10", "1.9")
                && !is_lower("latest", "1.0")
                && !is_lower("1.x", "2.0")
        );
        for (one, written_otherwise) in [("1.2", "v1.2"), ("1.2", "1.2.0"), ("1.2.0", "1.2.0+1")] {
            assert!(!is_lower(one, written_otherwise) && !is_lower(written_otherwise, one), "{one}");
        }
        assert_eq!((major("v12.3"), major("latest"), major("4")), (Some(12), None, Some(4)));
        assert!(is_prerelease("1.0-rc1") && !is_prerelease("latest-build") && !is_prerelease("1.0+a-b"));
    }
}
