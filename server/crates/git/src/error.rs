//! Everything that can be wrong with a remote or a clone, each with a sentence for the person who reads it on a page.

use std::fmt::Write as _;

use entity::input::ObjectId;

/// Why a repository could not be listed, fetched or read. No message ever holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The remote asks for a password or refuses the one it was given.
    #[error("{host} asks for credentials{}: set `token` for this repository (for ssh, a key that it knows), or check that it exists and is public", if *.rejected { " and refused the token it was given" } else { "" })]
    NeedsAuth {
        host: String,
        /// A token was sent and refused.
        rejected: bool,
    },
    #[error(
        "{url} is not a Git repository, or is not visible to us (HTTP status {status}): check the address and the token"
    )]
    NotFound { url: String, status: u16 },
    /// A plain path or `file://` address without a repository.
    #[error("there is no Git repository at {path}: check the path")]
    NoRepository { path: String },
    #[error("{host} cannot be reached: {reason}")]
    Unreachable { host: String, reason: String },
    /// Not a failure: the remote says when it may be asked again.
    #[error("{host} is asked too often (HTTP status {status}); it may be asked again in {} s", wait.as_secs())]
    Limited { host: String, status: u16, wait: std::time::Duration },
    #[error("{what} took longer than {seconds} s: the remote answers too slowly; it is tried again at the next sync")]
    Timeout { what: String, seconds: u64 },
    #[error("the repository is larger than {limit} bytes: raise `scan.max_repository_size_mb` to fetch it")]
    TooLarge { limit: u64 },
    #[error("the repository has more than {limit} objects, which is the limit")]
    TooManyObjects { limit: u64 },
    #[error("the remote announces more than {limit} branches and tags, which is the limit")]
    TooManyRefs { limit: u64 },
    /// One commit unfolds to more tree entries than anybody writes: a bomb, or not a configuration repository.
    #[error("commit {commit} has more than {limit} files and folders, which is the limit")]
    TooManyFiles { commit: ObjectId, limit: u64 },
    #[error("blob {id} has {size} bytes, more than the {limit} that are read")]
    BlobTooLarge { id: ObjectId, size: u64, limit: u64 },
    /// It may be small itself: what it is packed as a change of counts as well.
    #[error("object {id} takes more than {limit} bytes to unpack")]
    TooMuchToUnpack { id: ObjectId, limit: u64 },
    #[error("the data is corrupt: {what}")]
    Corrupt { what: String },
    #[error(
        "object {id} is missing from the repository: it is incomplete or damaged; remove the clone to have it fetched anew"
    )]
    MissingObject { id: ObjectId },
    #[error("the repository is empty: it has no commit yet")]
    EmptyRepository,
    /// There are commits, but HEAD leads to none of them and no other branch is the obvious one.
    #[error("{}: name the branch to read; there {}", head_gone(head.as_deref()), told(branches))]
    HeadGone { head: Option<String>, branches: Vec<String> },
    #[error("{rev:?} is neither a branch, a tag nor a commit that the remote gives out{}", offered(branches))]
    RevisionGone { rev: String, branches: Vec<String> },
    #[error("branch {branch} is not on the remote{}", default.as_ref().map(|name| format!("; its default branch is {name}")).unwrap_or_default())]
    BranchGone { branch: String, default: Option<String> },
    #[error("{rev:?} names no commit here: give a branch, a tag or a commit hash")]
    UnknownRevision { rev: String },
    /// The address is not one that we may or can use; `reason` says how to mend it.
    #[error("the address {url} is refused: {reason}")]
    RefusedUrl { url: String, reason: String },
    #[error("the remote redirects from {from} to {to}, which is not followed: use the new address if you trust it")]
    Redirected { from: String, to: String },
    /// The remote speaks, but not as a Git server does.
    #[error("{host} does not answer as a Git server: {what}")]
    Protocol { host: String, what: String },
    #[error("stopped on request")]
    Cancelled,
    /// Another fetch of the same clone runs, or one that was given up has not ended yet.
    #[error("the clone {path} is in use by another fetch")]
    Busy { path: String },
    #[error("the repository uses {feature}, which is not supported")]
    Unsupported { feature: String },
    /// Not the remote's fault either.
    #[error(
        "there is no room left on the disk for the clone: free some on the disk of `app.data_dir`, or set `app.max_disk_mb` so \
         that the oldest clones give way; it goes on by itself then"
    )]
    DiskFull,
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
}

impl GitError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| if is_full(source.kind()) { Self::DiskFull } else { Self::Io { what, source } }
    }

    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt { what: what.to_string() }
    }

    /// A later attempt may well succeed without anybody mending anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Timeout { .. }
                | Self::Busy { .. }
                | Self::Cancelled
                | Self::Io { .. }
                | Self::Limited { .. }
                | Self::DiskFull
        )
    }
}

/// Whether a write failed for want of room: the disk's, a quota's, or the limit of a file's size.
pub(crate) fn is_full(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(kind, StorageFull | QuotaExceeded | FileTooLarge)
}

fn head_gone(head: Option<&str>) -> String {
    match head {
        Some(name) => format!("HEAD names the branch {name}, which does not exist"),
        None => "HEAD leads to no branch".to_owned(),
    }
}

/// Names of branches in a sentence, the first few.
fn told(branches: &[String]) -> String {
    const SHOWN: usize = 5;
    let is = if branches.len() == 1 { "is" } else { "are" };
    let shown: Vec<String> = branches.iter().take(SHOWN).map(|name| name.chars().take(100).collect()).collect();
    let more = branches.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{is} {}{more}", shown.join(", "))
}

fn offered(branches: &[String]) -> String {
    if branches.is_empty() { String::new() } else { format!("; there {}", told(branches)) }
}

/// Bytes for people, at most `characters`: what is text stays text, everything else is told as `\xE4`.
pub(crate) fn escaped(bytes: &[u8], characters: usize) -> String {
    let mut text = String::new();
    for chunk in bytes[..bytes.len().min(characters * 4 + 4)].utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                c if c.is_control() => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_byte(&mut text, byte)),
                c => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| push_byte(&mut text, *byte));
    }
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text,
    }
}

fn push_byte(text: &mut String, byte: u8) {
    let _ = write!(text, "\\x{byte:02X}");
}

/// Lists of numbers (`[52, 48, 52]`), as Rust prints bytes, become the text that they are, quoted and cut.
fn with_bytes_as_text(text: &str) -> String {
    const SHOWN: usize = 80;
    let (mut out, mut rest) = (String::new(), text);
    while let Some(start) = rest.find('[') {
        let inside = &rest[start + 1..];
        let end = inside.find(|c: char| !c.is_ascii_digit() && c != ',' && c != ' ').unwrap_or(inside.len());
        let bytes: Option<Vec<u8>> = inside[..end].split(", ").map(|number| number.parse().ok()).collect();
        // What is cut off before the bracket closes are bytes all the same.
        let closed = inside[end..].starts_with(']');
        match bytes.filter(|bytes| closed || inside[end..].is_empty() && bytes.len() > 1) {
            Some(bytes) => {
                out.push_str(&rest[..start]);
                out.push('"');
                out.push_str(&escaped(&bytes, SHOWN));
                out.push('"');
                rest = &inside[end + usize::from(closed)..];
            }
            None => {
                out.push_str(&rest[..=start]);
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The whole chain of causes in one line: what gix says is spread over several, and has bytes as lists of numbers.
pub(crate) fn chain(error: &gix::Error) -> String {
    let mut text = with_bytes_as_text(&error.to_string());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = with_bytes_as_text(&cause.to_string());
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(500)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_messages_are_text() {
        for (said, told) in [
            ("expected 'version X', got [55, 101, 48, 10]", "expected 'version X', got \"7e0\\x0A\""),
            ("got [60, 104, 49, 62] and [195, 164, 228]", "got \"<h1>\" and \"\u{e4}\\xE4\""),
            ("a [list] of [1, 2, x] and [999] stays", "a [list] of [1, 2, x] and [999] stays"),
            ("cut: [104, 105, 3", "cut: \"hi\\x03\""),
            ("[", "["),
            ("[]", "[]"),
        ] {
            assert_eq!(with_bytes_as_text(said), told);
        }
        let long = format!("got {:?}", vec![b'a'; 5_000]);
        assert_eq!(with_bytes_as_text(&long), format!("got \"{}\u{2026}\"", "a".repeat(80)));
    }

    #[test]
    fn what_is_not_text_is_escaped_and_stays_apart() {
        assert_eq!(escaped(b"best\xe4tigung\n\\xE4", 99), "best\\xE4tigung\\x0A\\\\xE4");
        assert_eq!(escaped("gr\u{fc}n\u{85}".as_bytes(), 99), "gr\u{fc}n\\xC2\\x85");
        assert_eq!(escaped(b"abcdef", 3), "abc\u{2026}");
    }
}
