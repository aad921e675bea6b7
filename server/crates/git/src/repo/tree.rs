//! Trees: a commit's files. Read from raw bytes, since hostile trees hold names that no path library accepts.

use entity::input::ObjectId;

use super::Repo;
use crate::GitError;
use crate::error::escaped;

/// Longest path that is read, in bytes: Linux' PATH_MAX is 4,096, and pages and indexes have to carry it.
pub(crate) const PATH_BYTES: usize = 4_000;
/// Deepest folder that is entered.
pub(crate) const TREE_DEPTH: usize = 256;
/// Odd paths are told one by one up to this number.
pub(crate) const ODD_PATHS: usize = 1_000;

/// What a tree entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Regular,
    Executable,
    /// Never followed: its text is the target's path.
    Symlink,
    /// A commit of another repository, which is not fetched.
    Submodule,
}

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    pub path: String,
    pub id: ObjectId,
    pub kind: FileKind,
}

/// Why a path is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OddReason {
    /// Its bytes are not UTF-8.
    NotUtf8,
    /// It holds `.`, `..`, an empty name or a name with `/`: made to escape from a checkout.
    Escapes,
    /// Longer than 4,000 bytes or deeper than 256 folders.
    TooLong,
}

impl OddReason {
    /// For people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NotUtf8 => "the path's bytes are not UTF-8",
            Self::Escapes => "the path holds a `.`, `..` or empty part",
            Self::TooLong => "the path is longer than 4,000 bytes or deeper than 256 folders",
        }
    }
}

/// A path that is not read, made printable and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddPath {
    /// What is no text in it escaped (`\xE4`), at most 200 characters.
    pub path: String,
    pub reason: OddReason,
    /// The path as the trees have it.
    pub raw: Vec<u8>,
}

impl OddPath {
    pub(crate) fn new(path: &[u8], reason: OddReason) -> Self {
        Self { path: escaped(path, 199), reason, raw: path.to_vec() }
    }
}

/// All files of a commit.
#[derive(Clone, Debug, Default)]
pub struct TreeListing {
    pub files: Vec<TreeFile>,
    /// Files whose path is not read, at most 1,000.
    pub odd_paths: Vec<OddPath>,
}

/// Bounds of listing one commit.
#[derive(Clone, Copy, Debug)]
pub struct TreeLimits {
    /// Files and folders visited.
    pub entries: u64,
    /// Bytes of all paths together.
    pub path_bytes: u64,
}

impl Default for TreeLimits {
    fn default() -> Self {
        Self { entries: 1_000_000, path_bytes: 256 << 20 }
    }
}

/// Whether a file may hold manifests: its name ends exactly in `.yaml` or `.yml`.
#[must_use]
pub fn is_yaml_path(path: &str) -> bool {
    is_yaml(path.as_bytes())
}

/// Whether a file's text is read: YAML files, and kustomize's own file that has no ending (`Kustomization`). The latter is
/// no YAML file in any count; it only decides where manifests go.
#[must_use]
pub fn is_read_path(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    is_read(name.as_bytes())
}

fn is_yaml(path: &[u8]) -> bool {
    path.ends_with(b".yaml") || path.ends_with(b".yml")
}

/// The same for the name of a tree's entry.
pub(crate) fn is_read(name: &[u8]) -> bool {
    is_yaml(name) || name == b"Kustomization"
}

/// An entry as it lies in the tree's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub kind: EntryKind,
    pub name: &'a [u8],
    pub id: ObjectId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Tree,
    File(FileKind),
}

impl EntryKind {
    /// A blob that is read: neither a link nor another repository.
    pub(crate) fn is_regular(self) -> bool {
        matches!(self, Self::File(FileKind::Regular | FileKind::Executable))
    }
}

/// The entries of a raw tree; an error ends them.
pub(crate) fn entries(data: &[u8]) -> Entries<'_> {
    Entries { rest: data }
}

pub(crate) struct Entries<'a> {
    rest: &'a [u8],
}

/// A tree whose bytes are no entries.
#[derive(Debug)]
pub(crate) struct BrokenTree;

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, BrokenTree>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = split_entry(self.rest);
        self.rest = match &entry {
            Some((_, rest)) => rest,
            None => &[],
        };
        Some(entry.map(|(entry, _)| entry).ok_or(BrokenTree))
    }
}

fn split_entry(data: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let mut mode = 0u32;
    let mut at = 0;
    loop {
        match *data.get(at)? {
            b' ' if at > 0 => break,
            digit @ b'0'..=b'7' if at < 7 => mode = mode << 3 | u32::from(digit - b'0'),
            _ => return None,
        }
        at += 1;
    }
    let name_start = at + 1;
    let length = data[name_start..].iter().position(|byte| *byte == 0)?;
    let id_start = name_start + length + 1;
    let id = data.get(id_start..id_start + 20)?;
    let kind = match mode & 0o170_000 {
        0o040_000 => EntryKind::Tree,
        0o120_000 => EntryKind::File(FileKind::Symlink),
        0o160_000 => EntryKind::File(FileKind::Submodule),
        _ if mode & 0o100 != 0 => EntryKind::File(FileKind::Executable),
        _ => EntryKind::File(FileKind::Regular),
    };
    let entry = Entry { kind, name: &data[name_start..name_start + length], id: ObjectId(id.try_into().ok()?) };
    Some((entry, &data[id_start + 20..]))
}

/// What is wrong with the folder that is being read, if anything: inherited by all below it.
pub(crate) type PathIssue = Option<OddReason>;

/// Appends a name to a path and says what is odd about the result.
pub(crate) fn join(path: &mut Vec<u8>, name: &[u8], parent: PathIssue) -> PathIssue {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    if parent.is_some() {
        return parent;
    }
    if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') {
        return Some(OddReason::Escapes);
    }
    if path.len() > PATH_BYTES {
        return Some(OddReason::TooLong);
    }
    if !name.is_ascii() && std::str::from_utf8(name).is_err() {
        return Some(OddReason::NotUtf8);
    }
    None
}

/// What is wrong with a path from the root of a repository that somebody else tells of, if anything.
#[must_use]
pub fn odd_reason(path: &str) -> Option<OddReason> {
    let mut joined = Vec::with_capacity(path.len());
    path.split('/').fold(None, |issue, name| join(&mut joined, name.as_bytes(), issue))
}

impl Repo {
    /// Every file of a commit, in no order that means anything.
    ///
    /// # Errors
    /// `MissingObject` or `Corrupt` if a tree cannot be read, `TooManyFiles` beyond the limit.
    pub fn tree_files(&self, commit: ObjectId, limits: &TreeLimits) -> Result<TreeListing, GitError> {
        let objects = self.objects();
        let tree = objects.commit(commit, &mut Vec::new())?.tree;
        let mut listing = TreeListing::default();
        let (mut visited, mut path_bytes) = (0, 0);
        // Trees still to be read; the last one first.
        let mut waiting = vec![(tree, Vec::new(), None::<OddReason>, 0)];
        let mut buffer = Vec::new();
        while let Some((tree, folder, issue, depth)) = waiting.pop() {
            objects.tree(tree, &mut buffer)?;
            let mut folders = Vec::new();
            for entry in entries(&buffer) {
                let entry = entry.map_err(|BrokenTree| GitError::corrupt(format!("tree {tree} has a broken entry")))?;
                visited += 1;
                path_bytes += (folder.len() + entry.name.len() + 1) as u64;
                if visited > limits.entries || path_bytes > limits.path_bytes {
                    return Err(GitError::TooManyFiles { commit, limit: limits.entries });
                }
                let mut path: Vec<u8> = folder.clone();
                let issue = join(&mut path, entry.name, issue);
                match (entry.kind, issue) {
                    (EntryKind::Tree, issue) if depth >= TREE_DEPTH || path.len() > 2 * PATH_BYTES => {
                        listing.push_odd(&path, issue.unwrap_or(OddReason::TooLong));
                    }
                    (EntryKind::Tree, issue) => folders.push((entry.id, path, issue, depth + 1)),
                    (EntryKind::File(_), Some(reason)) => listing.push_odd(&path, reason),
                    (EntryKind::File(kind), None) => match String::from_utf8(path) {
                        Ok(path) => listing.files.push(TreeFile { path, id: entry.id, kind }),
                        Err(error) => listing.push_odd(error.as_bytes(), OddReason::NotUtf8),
                    },
                }
            }
            waiting.extend(folders.into_iter().rev());
        }
        Ok(listing)
    }
}

impl TreeListing {
    fn push_odd(&mut self, path: &[u8], reason: OddReason) {
        if self.odd_paths.len() < ODD_PATHS {
            self.odd_paths.push(OddPath::new(path, reason));
        }
    }
}
