//! A commit's text, read leniently: histories hold commits by every tool ever written, and some made to hurt.

use chrono::{DateTime, Utc};
use entity::found::ObjectId;

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
    /// First line of the message, at most 500 characters.
    pub subject: String,
}

/// The parts of a commit object that we use, still in its bytes.
pub(crate) struct CommitParts<'a> {
    pub tree: ObjectId,
    pub parents: Vec<ObjectId>,
    pub committed_at: DateTime<Utc>,
    author: &'a [u8],
    message: &'a [u8],
}

impl<'a> CommitParts<'a> {
    /// `None` without a tree. A missing author or time is no reason to give a history up.
    pub(crate) fn parse(data: &'a [u8]) -> Option<Self> {
        let mut rest = data;
        let tree = hex(next_line(&mut rest).strip_prefix(b"tree ")?)?;
        let mut parts =
            Self { tree, parents: Vec::new(), committed_at: DateTime::UNIX_EPOCH, author: b"", message: b"" };
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
            }
        }
        parts.message = rest;
        Some(parts)
    }

    pub(crate) fn author_name(&self) -> String {
        let end = self.author.iter().position(|byte| *byte == b'<').unwrap_or(self.author.len());
        printable(&self.author[..end], AUTHOR_CHARS)
    }

    pub(crate) fn subject(&self) -> String {
        let start = self.message.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(self.message.len());
        let message = &self.message[start..];
        let end = message.iter().position(|byte| *byte == b'\n').unwrap_or(message.len());
        printable(&message[..end], SUBJECT_CHARS)
    }

    pub(crate) fn info(&self, id: ObjectId) -> CommitInfo {
        CommitInfo {
            id,
            parents: self.parents.clone(),
            committed_at: self.committed_at,
            author_name: self.author_name(),
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
    let mut bytes = [0; 20];
    if text.len() != 40 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |digit: u8| (digit as char).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(ObjectId(bytes))
}

/// `Name <mail> 1600000000 +0200`, clamped to the years that databases and browsers agree on.
fn time(signature: &[u8]) -> DateTime<Utc> {
    const YEAR_9999: i64 = 253_402_300_799;
    let start = signature.iter().rposition(|byte| *byte == b'>').map_or(0, |at| at + 1);
    let text = String::from_utf8_lossy(&signature[start..]);
    let seconds = text.split_ascii_whitespace().next().map(|text| text.trim_start_matches('+'));
    let seconds = seconds.map(|text| match text.parse::<i64>() {
        Ok(seconds) => seconds,
        // All digits, only too many: far in the future is what it says.
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => YEAR_9999,
        Err(_) => 0,
    });
    DateTime::from_timestamp(seconds.unwrap_or(0).clamp(0, YEAR_9999), 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Text that every store and page can take: valid UTF-8, no control characters, bounded.
fn printable(bytes: &[u8], characters: usize) -> String {
    // Four bytes are the longest character; what is beyond cannot be within the bound.
    let bytes = &bytes[..bytes.len().min(characters * 4 + 64)];
    let text = String::from_utf8_lossy(bytes);
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
            ("-5", 0),
            ("99999999999999999999999", 253_402_300_799),
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

    #[test]
    fn what_is_no_commit_is_refused() {
        for text in ["", "tree", "tree 12\n", "parent x\n"] {
            assert!(CommitParts::parse(text.as_bytes()).is_none(), "{text:?}");
        }
    }
}
