//! A commit's text, read leniently: histories hold commits by every tool ever written, and some made to hurt.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use encoding_rs::{Encoding, REPLACEMENT, UTF_16BE, UTF_16LE};
use entity::input::ObjectId;

/// Longest author name and subject that are kept, in characters.
const AUTHOR_CHARS: usize = 200;
const SUBJECT_CHARS: usize = 500;

/// What a page shows of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    pub id: ObjectId,
    pub parents: Vec<ObjectId>,
    /// Committer's time; 1970-01-01 where the commit has none that can be read.
    pub committed_at: DateTime<Utc>,
    /// At most 200 characters.
    pub author_name: String,
    /// What stands between `<` and `>`, at most 200 characters; empty where there is none.
    pub author_email: String,
    /// First line of the message, at most 500 characters.
    pub subject: String,
}

/// The parts of a commit object that we use, still in its bytes.
pub(crate) struct CommitParts<'a> {
    pub tree: ObjectId,
    pub parents: Vec<ObjectId>,
    pub committed_at: DateTime<Utc>,
    author: &'a [u8],
    /// The header that names how author and message are encoded; empty means UTF-8.
    encoding: &'a [u8],
    message: &'a [u8],
}

impl<'a> CommitParts<'a> {
    /// `None` without a tree. A missing author or time is no reason to give a history up.
    pub(crate) fn parse(data: &'a [u8]) -> Option<Self> {
        let mut rest = data;
        let tree = hex(next_line(&mut rest).strip_prefix(b"tree ")?)?;
        let mut parts = Self {
            tree,
            parents: Vec::new(),
            committed_at: DateTime::UNIX_EPOCH,
            author: b"",
            encoding: b"",
            message: b"",
        };
        while !rest.is_empty() {
            let line = next_line(&mut rest);
            if line.is_empty() {
                break;
            } else if let Some(parent) = line.strip_prefix(b"parent ") {
                parts.parents.push(hex(parent)?);
            } else if let Some(author) = line.strip_prefix(b"author ") {
                parts.author = author;
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                parts.committed_at = time(committer);
            } else if let Some(encoding) = line.strip_prefix(b"encoding ") {
                parts.encoding = encoding;
            }
        }
        parts.message = rest;
        Some(parts)
    }

    pub(crate) fn author_name(&self) -> String {
        // Some encodings hold the byte of `<` within characters, so the text is cut after it was decoded.
        let author = self.decode(self.author, AUTHOR_CHARS);
        let name = match author.find('<') {
            Some(end) => &author[..end],
            None => without_time(&author),
        };
        printable(name, AUTHOR_CHARS)
    }

    fn author_email(&self) -> String {
        let author = self.decode(self.author, 2 * AUTHOR_CHARS);
        let email = author.split_once('<').and_then(|(_, rest)| Some(rest.split_once('>')?.0));
        printable(email.unwrap_or_default(), AUTHOR_CHARS)
    }

    pub(crate) fn subject(&self) -> String {
        let start = self.message.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(self.message.len());
        let message = &self.message[start..];
        let end = message.iter().position(|byte| *byte == b'\n').unwrap_or(message.len());
        printable(&self.decode(&message[..end], SUBJECT_CHARS), SUBJECT_CHARS)
    }

    /// The text of as many bytes as `characters` can take, by the commit's own encoding.
    fn decode<'t>(&self, bytes: &'t [u8], characters: usize) -> Cow<'t, str> {
        // No encoding spends more than eight bytes on a character, escapes included.
        let bytes = &bytes[..bytes.len().min(characters * 8 + 64)];
        match encoding(self.encoding) {
            Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
            None => String::from_utf8_lossy(bytes),
        }
    }

    pub(crate) fn info(&self, id: ObjectId) -> CommitInfo {
        CommitInfo {
            id,
            parents: self.parents.clone(),
            committed_at: self.committed_at,
            author_name: self.author_name(),
            author_email: self.author_email(),
            subject: self.subject(),
        }
    }
}

fn next_line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let line = &rest[..end];
    *rest = rest.get(end + 1..).unwrap_or_default();
    line
}

fn hex(text: &[u8]) -> Option<ObjectId> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The encoding that a commit names; `None` where that is UTF-8, or nothing that is known.
fn encoding(label: &[u8]) -> Option<&'static Encoding> {
    let found = Encoding::for_label(label).or_else(|| {
        // Names that iconv knows and the web does not.
        let label = label.to_ascii_lowercase();
        let plain: Vec<u8> = label.into_iter().filter(u8::is_ascii_alphanumeric).collect();
        Encoding::for_label(match plain.as_slice() {
            b"latin1" => b"latin1",
            b"latin9" => b"iso-8859-15",
            b"cp932" => b"shift_jis",
            b"eucjp" => b"euc-jp",
            b"cp949" | b"euckr" => b"euc-kr",
            b"cp936" | b"euccn" => b"gbk",
            b"cp950" => b"big5",
            b"cp874" => b"windows-874",
            b"koi8r" => b"koi8-r",
            b"koi8u" => b"koi8-u",
            _ => return None,
        })
    });
    // A commit in UTF-16 has zero bytes where Git sees its end; what the web replaces is not decoded at all.
    found.filter(|found| ![REPLACEMENT, UTF_16BE, UTF_16LE, encoding_rs::UTF_8].contains(found))
}

/// An author line without an address: what stands before the time and its zone, where there are such.
fn without_time(author: &str) -> &str {
    let is_number = |word: &str| {
        let digits = word.trim_start_matches(['+', '-']);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match author.trim_end().rsplitn(3, ' ').collect::<Vec<_>>().as_slice() {
        [zone, seconds, name] if is_number(zone) && is_number(seconds) => name,
        _ => author,
    }
}

/// `Name <mail> 1600000000 +0200`, clamped to the years that databases and browsers agree on.
fn time(signature: &[u8]) -> DateTime<Utc> {
    const YEAR_1: i64 = -62_135_596_800;
    const YEAR_9999: i64 = 253_402_300_799;
    let start = signature.iter().rposition(|byte| *byte == b'>').map_or(0, |at| at + 1);
    let text = String::from_utf8_lossy(&signature[start..]);
    let seconds = text.split_ascii_whitespace().next().map_or(0, |text| match text.parse() {
        Ok(seconds) => seconds,
        // All digits, only too many: as far away as it says.
        Err(_) => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                true if text.starts_with('-') => i64::MIN,
                true => i64::MAX,
                false => 0,
            }
        }
    });
    DateTime::from_timestamp(seconds.clamp(YEAR_1, YEAR_9999), 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Text that every store and page can take: no control characters, bounded.
fn printable(text: &str, characters: usize) -> String {
    let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    text.trim().chars().take(characters).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";

    #[test]
    fn reads_a_usual_commit() {
        let text = format!(
            "{TREE}parent 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A U Thor <a@example.com> 5 +0000\ncommitter C <c@example.com> 1700000000 +0200\ngpgsig -----BEGIN\n tree x\n\nfeat: one\n\nmore"
        );
        let parts = CommitParts::parse(text.as_bytes()).unwrap();
        assert_eq!(parts.parents.len(), 1);
        assert_eq!((parts.author_name().as_str(), parts.subject().as_str()), ("A U Thor", "feat: one"));
        assert_eq!(parts.committed_at.timestamp(), 1_700_000_000);
    }

    #[test]
    fn clamps_times_that_are_none() {
        for (time_text, expected) in [
            ("-5", -5),
            ("-2208988800", -2_208_988_800),
            ("-99999999999999999999999", -62_135_596_800),
            ("-9223372036854775808", -62_135_596_800),
            ("99999999999999999999999", 253_402_300_799),
            ("--5", 0),
            ("-", 0),
            ("x", 0),
            ("", 0),
            ("9999999999999", 253_402_300_799),
        ] {
            assert_eq!(time(format!("A <b> {time_text} +0000").as_bytes()).timestamp(), expected, "{time_text}");
        }
    }

    #[test]
    fn names_and_subjects_are_bounded_and_printable() {
        let text = format!("{TREE}author \u{0}\u{1}{} <>\n\n{}", "é".repeat(3000), "s\u{7}".repeat(3000));
        let parts = CommitParts::parse(text.as_bytes()).unwrap();
        assert_eq!(parts.author_name().chars().count(), 200);
        assert_eq!(parts.subject().chars().count(), 499);
        assert!(!parts.subject().contains('\u{7}'));
        let mut bytes = format!("{TREE}\n").into_bytes();
        bytes.extend([0xff, 0xfe, b'a']);
        assert_eq!(CommitParts::parse(&bytes).unwrap().subject(), "\u{fffd}\u{fffd}a");
    }

    fn told(header: &str, author: &[u8], message: &[u8]) -> (String, String) {
        let text = [TREE.as_bytes(), b"author ", author, b"\n", header.as_bytes(), b"\n", message].concat();
        let parts = CommitParts::parse(&text).unwrap();
        (parts.author_name(), parts.subject())
    }

    #[test]
    fn author_and_subject_are_read_by_the_encoding_that_the_commit_names() {
        for (label, author, subject, name, said) in [
            ("ISO-8859-1", &b"J\xf6rg"[..], &b"gr\xfcn"[..], "J\u{f6}rg", "gr\u{fc}n"),
            ("latin-1", b"J\xf6rg", b"x", "J\u{f6}rg", "x"),
            ("ISO-8859-15", b"Ren\xe9", b"5 \xa4", "Ren\u{e9}", "5 \u{20ac}"),
            ("CP1251", b"\xc1\xee\xf0\xe8\xf1", b"x", "\u{411}\u{43e}\u{440}\u{438}\u{441}", "x"),
            ("SHIFT_JIS", b"\x8eR\x93c", b"\x90\xdd\x92\xe8", "\u{5c71}\u{7530}", "\u{8a2d}\u{5b9a}"),
            ("cp932", b"\x8eR\x93c", b"x", "\u{5c71}\u{7530}", "x"),
            ("eucJP", b"\xbb\xb3\xc5\xc4", b"x", "\u{5c71}\u{7530}", "x"),
            // Within its escapes this one holds the byte of `<`.
            ("ISO-2022-JP", b"\x1b$B<u<u\x1b(B", b"x", "\u{53d7}\u{53d7}", "x"),
            ("UTF-8", b"J\xc3\xb6rg", b"x", "J\u{f6}rg", "x"),
            // Nobody knows this one: what is UTF-8 in it is kept.
            ("klingon", b"J\xc3\xb6rg", b"gr\xfcn", "J\u{f6}rg", "gr\u{fffd}n"),
            ("UTF-16", b"Ada", b"x", "Ada", "x"),
        ] {
            let author = [author, b" <a@example.com> 5 +0000"].concat();
            assert_eq!(told(&format!("encoding {label}\n"), &author, subject), (name.into(), said.into()), "{label}");
        }
        // A text that speaks of an encoding does not name one.
        assert_eq!(told("", b"J\xc3\xb6rg <a@b> 5 +0000", b"encoding ISO-8859-1").0, "J\u{f6}rg");
    }

    #[test]
    fn odd_authors_are_told_as_far_as_they_go() {
        for (author, name) in [
            ("Ada", "Ada"),
            ("Ada 1700000000 +0000", "Ada"),
            ("Ada Lovelace 1815", "Ada Lovelace 1815"),
            ("<ada@example.com> 1700000000 +0000", ""),
            ("Ada <a> <b> 1700000000 +0000", "Ada"),
            ("\t Ada \u{0} ", "Ada"),
            ("", ""),
        ] {
            assert_eq!(told("", author.as_bytes(), b"x").0, name, "{author}");
        }
    }

    #[test]
    fn what_is_no_commit_is_refused() {
        for text in ["", "tree", "tree 12\n", "parent x\n"] {
            assert!(CommitParts::parse(text.as_bytes()).is_none(), "{text:?}");
        }
    }
}
