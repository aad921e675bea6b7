//! The files below one folder of a commit, such as `.tekton`: few and small, or they are left out.

use std::fmt::Display;

use entity::input::ObjectId;

use super::trace::entry_at;
use super::{EntryKind, Repo, entries, join};
use crate::GitError;
use crate::error::escaped;

/// Folders that are entered below the one asked for.
pub const BELOW_DEPTH: usize = 16;

/// What of a folder is read.
#[derive(Clone, Copy, Debug)]
pub struct BelowLimits {
    /// Files read.
    pub files: usize,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all of them.
    pub total_bytes: u64,
    /// Files and folders looked at, those that are not wanted included.
    pub entries: usize,
}

/// The files below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesBelow {
    /// Whether there is such a folder at all, whatever could be read of it.
    pub is_there: bool,
    /// By path, in full from the root of the repository.
    pub files: Vec<(String, Vec<u8>)>,
    /// What was left out and why, as sentences, at most a hundred.
    pub left_out: Vec<String>,
}

/// What is said of files that are left out is the same whether a clone's trees or somebody else's list tells of them.
impl FilesBelow {
    /// Keeps a sentence of something that is not read.
    pub fn leave_out(&mut self, sentence: String) {
        const MOST: usize = 100;
        if self.left_out.len() < MOST {
            self.left_out.push(sentence);
        }
    }

    /// The same of one path, which may be anything.
    pub fn leave_out_path(&mut self, path: &[u8], why: &impl Display) {
        self.leave_out(format!("{}: {why}", escaped(path, 200)));
    }

    /// Nothing more is looked at.
    pub fn leave_out_others(&mut self, limits: &BelowLimits) {
        let most = limits.entries;
        self.leave_out(format!("there are more than {most} files and folders: the others are not read"));
    }

    /// A folder is not entered.
    pub fn leave_out_deep(&mut self, path: &[u8]) {
        self.leave_out_path(path, &format_args!("it is deeper than {BELOW_DEPTH} folders"));
    }

    /// Whether a wanted file is read where so many were before: links and other repositories are not, nor is what is too many.
    pub fn takes(&mut self, path: &str, is_regular: bool, before: usize, limits: &BelowLimits) -> bool {
        if !is_regular {
            self.leave_out_path(path.as_bytes(), &"it is a link or another repository");
        } else if before >= limits.files {
            self.leave_out_path(path.as_bytes(), &format_args!("{} files were read before it", limits.files));
        } else {
            return true;
        }
        false
    }
}

impl Repo {
    /// Reads the files below `folder` that are wanted by their path. Nothing there is no error. Links and submodules are not
    /// followed, and what is beyond a limit or damaged is left out and told.
    ///
    /// # Errors
    /// `MissingObject` or `Corrupt` if the commit or a folder cannot be read.
    pub fn files_below(
        &self,
        commit: ObjectId,
        folder: &str,
        limits: &BelowLimits,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<FilesBelow, GitError> {
        let objects = self.objects();
        let root = objects.commit(commit, &mut Vec::new())?.tree;
        let names: Vec<&[u8]> = folder.trim_matches('/').split('/').map(str::as_bytes).collect();
        let mut below = FilesBelow::default();
        let Some((EntryKind::Tree, tree)) = entry_at(&objects, root, &names, &mut Vec::new())? else {
            return Ok(below);
        };
        below.is_there = true;
        let mut blobs = Vec::new();
        let mut looked_at = 0;
        let mut buffer = Vec::new();
        let mut waiting = vec![(tree, folder.trim_matches('/').as_bytes().to_vec(), 0)];
        'folders: while let Some((tree, folder, depth)) = waiting.pop() {
            objects.tree(tree, &mut buffer)?;
            for entry in entries(&buffer) {
                let entry = entry.map_err(|_| GitError::corrupt(format!("tree {tree} has a broken entry")))?;
                looked_at += 1;
                if looked_at > limits.entries {
                    below.leave_out_others(limits);
                    break 'folders;
                }
                let mut path = folder.clone();
                if let Some(reason) = join(&mut path, entry.name, None) {
                    below.leave_out_path(&path, &reason.sentence());
                    continue;
                }
                match entry.kind {
                    EntryKind::Tree if depth >= BELOW_DEPTH => below.leave_out_deep(&path),
                    EntryKind::Tree => waiting.push((entry.id, path, depth + 1)),
                    kind @ EntryKind::File(_) => {
                        if let Ok(path) = String::from_utf8(path)
                            && is_wanted(&path)
                        {
                            blobs.push((path, kind, entry.id));
                        }
                    }
                }
            }
        }
        blobs.sort_by(|a, b| a.0.cmp(&b.0));
        let mut left = limits.total_bytes;
        for (path, kind, id) in blobs {
            if !below.takes(&path, kind.is_regular(), below.files.len(), limits) {
                continue;
            }
            match objects.blob(id, limits.file_bytes.min(left), &mut buffer, <[u8]>::to_vec) {
                Ok(bytes) => {
                    left = left.saturating_sub(bytes.len() as u64);
                    below.files.push((path, bytes));
                }
                Err(
                    error @ (GitError::BlobTooLarge { .. }
                    | GitError::TooMuchToUnpack { .. }
                    | GitError::MissingObject { .. }
                    | GitError::Corrupt { .. }),
                ) => below.leave_out_path(path.as_bytes(), &error),
                Err(error) => return Err(error),
            }
        }
        Ok(below)
    }
}
