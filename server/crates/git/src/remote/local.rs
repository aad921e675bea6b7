//! Fetching from a folder: refs are read, object files are linked or copied. No program is started, unlike Git's own way.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::budget::Budget;
use super::{ListedRefs, RemoteRef};
use crate::error::chain as causes;
use crate::repo::to_entity;
use crate::{GitError, Repo};

/// A repository on this machine, as a remote.
pub(super) struct Local {
    repo: gix::ThreadSafeRepository,
}

impl Local {
    pub(super) fn open(path: &Path) -> Result<Self, GitError> {
        // Says what is wrong, if anything is.
        Repo::open(path)?;
        gix::ThreadSafeRepository::open_opts(path, gix::open::Options::isolated())
            .map(|repo| Self { repo })
            .map_err(|error| GitError::corrupt(causes(&error)))
    }

    pub(super) fn list(&self, limit: usize) -> Result<ListedRefs, GitError> {
        let repo = self.repo.to_thread_local();
        let mut listed = ListedRefs { default_branch: None, ..Default::default() };
        if let Ok(Some(name)) = repo.head_name() {
            listed.default_branch = Some(name.shorten().to_string());
        }
        listed.head = repo.head_id().ok().map(|id| to_entity(&id));
        let references = repo.references().map_err(|error| GitError::corrupt(causes(&error)))?;
        let branches = references.local_branches().map_err(|error| GitError::corrupt(causes(&error)))?;
        // A ref that points nowhere is no branch; where there is no other, that is not the same as none at all.
        let mut broken = None;
        for branch in branches {
            let mut branch = match branch {
                Ok(branch) => branch,
                Err(error) => {
                    broken = Some(error.to_string());
                    continue;
                }
            };
            let Ok(name) = std::str::from_utf8(branch.name().as_bstr()).map(str::to_owned) else { continue };
            let id = match branch.peel_to_id() {
                Ok(id) => id,
                Err(error) => {
                    broken = Some(format!("{name}: {}", causes(&error)));
                    continue;
                }
            };
            listed.branches.push(RemoteRef { name, id: to_entity(&id) });
            if listed.branches.len() > limit {
                return Err(GitError::TooManyRefs { limit: limit as u64 });
            }
        }
        match broken {
            Some(why) if listed.branches.is_empty() && listed.head.is_none() => {
                Err(GitError::corrupt(format!("no branch can be read: {why}")))
            }
            _ => Ok(listed),
        }
    }

    /// Brings all object files into the clone that it does not have.
    pub(super) fn copy_objects(&self, git_dir: &Path, budget: &Budget) -> Result<(), GitError> {
        let source = self.repo.to_thread_local().objects.store_ref().path().to_owned();
        let mut folders = vec![source];
        let alternates = self.repo.to_thread_local().objects.store_ref().alternate_db_paths();
        folders.extend(alternates.map_err(|error| GitError::corrupt(causes(&error)))?);
        // Where the source was cut off, the clone is too.
        let (shallow, ours) = (self.repo.to_thread_local().common_dir().join("shallow"), git_dir.join("shallow"));
        if shallow.is_file() {
            fs::copy(&shallow, &ours).map_err(GitError::io(format!("{} cannot be copied", shallow.display())))?;
        } else {
            let _ = fs::remove_file(&ours);
        }
        let mut objects = 0;
        for folder in folders {
            for path in object_files(&folder) {
                if budget.check().is_err() {
                    return Err(GitError::Cancelled);
                }
                let Ok(relative) = path.strip_prefix(&folder) else { continue };
                let target = git_dir.join("objects").join(relative);
                let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
                if !metadata.is_file() {
                    continue;
                }
                let bytes = budget.pack_bytes.fetch_add(metadata.len(), Ordering::Relaxed) + metadata.len();
                if bytes > budget.limits.pack_bytes {
                    return Err(GitError::TooLarge { limit: budget.limits.pack_bytes });
                }
                objects += 1;
                if objects > budget.limits.objects {
                    return Err(GitError::TooManyObjects { limit: budget.limits.objects });
                }
                if !target.exists() {
                    link_or_copy(&path, &target)
                        .map_err(GitError::io(format!("{} cannot be copied", path.display())))?;
                }
            }
        }
        Ok(())
    }
}

/// Packs before their indexes, so that an index never stands without its pack.
fn object_files(objects: &Path) -> Vec<PathBuf> {
    let (mut loose, mut packs, mut indexes) = (Vec::new(), Vec::new(), Vec::new());
    for folder in fs::read_dir(objects).into_iter().flatten().flatten() {
        let name = folder.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_loose = name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_loose && name != "pack" {
            continue;
        }
        for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            let path = file.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            let file_name = file.file_name();
            match (is_loose, extension) {
                (true, None) if file_name.len() == 38 => loose.push(path),
                (false, Some("pack")) if path.with_extension("idx").exists() => packs.push(path),
                (false, Some("idx")) if path.with_extension("pack").exists() => indexes.push(path),
                _ => {}
            }
        }
    }
    packs.extend(loose);
    packs.extend(indexes);
    packs
}

/// Object files never change, so a second name for the same file is as good as a copy.
fn link_or_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let part = to.with_extension("part");
    fs::copy(from, &part)?;
    fs::rename(part, to)
}
