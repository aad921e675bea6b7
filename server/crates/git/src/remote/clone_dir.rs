//! The clone's folder: one fetch at a time, never half made, cleaned of what killed runs left.
//!
//! Beside `<dir>` lie two locks, which the operating system frees when their holders die: `.<name>.lock` is held alone by those
//! who may replace or remove what is there, and together by those who read it; `.<name>.adding` by the one of these who only
//! adds, so that commits of branches come while a long history is read. While a clone is being made, `.<name>.tmp-<pid>-<n>`
//! lies there too, which becomes `<dir>` by a rename. Refs are lines of `packed-refs`, replaced by a rename as well.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use entity::input::ObjectId;

use super::kept::{self, Kept};
use crate::{GitError, Repo};

/// More packs than this make every lookup slow: then the clone is made anew. There is one pack per fetch that brought something.
const MAX_PACKS: usize = 64;

/// What is locked to keep the clone in its place, or to change it.
const LOCK: &str = ".lock";
/// What is locked to add to it.
const ADDING: &str = ".adding";

/// A lock lives a moment longer than its holder where a program is just being started: until then the new process has
/// a copy of every open file.
const PATIENCE: Duration = Duration::from_millis(250);

/// The right to change a clone, to add to it or to read it, held until dropped.
pub(super) struct CloneDir {
    dir: PathBuf,
    parent: PathBuf,
    name: OsString,
    locks: Vec<File>,
}

/// Tries to lock a file, alone or with others.
type TryLock = fn(&File) -> Result<(), fs::TryLockError>;

/// A clone being made; removed unless it is put into place.
pub(super) struct NewClone {
    pub path: PathBuf,
}

/// A clone as it is found.
pub(super) struct Existing {
    pub repo: Repo,
    /// The followed branch and its commit; `None` where only commits of other branches were brought so far.
    pub followed: Option<(String, ObjectId)>,
    /// Commits of other branches.
    pub kept: Kept,
}

impl Existing {
    /// Commits to tell the remote that they are here: the followed one, then those of the branches wanted, then others.
    pub(super) fn tips(&self, wanted: &[(String, ObjectId)]) -> Vec<ObjectId> {
        let followed = self.followed.iter().map(|(_, head)| *head);
        let wanted = wanted.iter().filter_map(|(branch, _)| self.kept.get(branch).copied());
        followed.chain(wanted).chain(self.kept.values().copied()).filter(|id| self.repo.contains(*id)).collect()
    }
}

impl Drop for NewClone {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl CloneDir {
    /// To change whatever is there; nobody reads it meanwhile.
    pub(super) fn lock(dir: &Path) -> Result<Self, GitError> {
        let clone = Self::at(dir)?.locked(LOCK, File::try_lock)?;
        clone.clean();
        Ok(clone)
    }

    /// To add objects to what is there and change its refs, while others may read it: it is not to be replaced or removed.
    pub(super) fn lock_to_add(dir: &Path) -> Result<Self, GitError> {
        let clone = Self::at(dir)?.locked(LOCK, File::try_lock_shared)?.locked(ADDING, File::try_lock)?;
        clone.clean();
        Ok(clone)
    }

    /// To read what is there.
    fn lock_to_read(dir: &Path) -> Result<Self, GitError> {
        Self::at(dir)?.locked(LOCK, File::try_lock_shared)
    }

    fn at(dir: &Path) -> Result<Self, GitError> {
        let no_name = || GitError::Io {
            what: format!("{} is no folder for a clone", dir.display()),
            source: std::io::ErrorKind::InvalidInput.into(),
        };
        let name = dir.file_name().ok_or_else(no_name)?.to_owned();
        let parent = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&parent).map_err(GitError::io(format!("{} cannot be created", parent.display())))?;
        Ok(Self { dir: dir.to_owned(), parent, name, locks: Vec::new() })
    }

    /// The same with one more lock. Of several the one that keeps the clone in its place comes first.
    fn locked(mut self, suffix: &str, lock_it: TryLock) -> Result<Self, GitError> {
        let path = self.parent.join(beside(&self.name, suffix));
        let open = || {
            let lock = File::options().create(true).truncate(false).write(true).open(&path);
            lock.map_err(GitError::io(format!("{} cannot be opened", path.display())))
        };
        let mut lock = open()?;
        let until = Instant::now() + PATIENCE;
        loop {
            match lock_it(&lock) {
                // The clone was removed meanwhile, and the file with it: others lock another of that name.
                Ok(()) if !is_at(&lock, &path) => lock = open()?,
                Ok(()) => {
                    self.locks.push(lock);
                    return Ok(self);
                }
                Err(fs::TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(PATIENCE / 50),
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(GitError::Busy { path: self.dir.display().to_string() });
                }
                Err(fs::TryLockError::Error(error)) => {
                    return Err(GitError::io(format!("{} cannot be locked", path.display()))(error));
                }
            }
        }
    }

    /// Removes what killed runs left behind. What cannot be removed is in nobody's way.
    fn clean(&self) {
        let prefix = beside(&self.name, ".tmp-");
        for entry in fs::read_dir(&self.parent).into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        for file in ["HEAD.lock", "packed-refs.lock", "config.lock", "shallow.lock", "HEAD.new", "packed-refs.new"] {
            let _ = fs::remove_file(self.dir.join(file));
        }
        for entry in fs::read_dir(self.pack_dir()).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_pack = entry.file_name().as_encoded_bytes().starts_with(b"pack-");
            let whole = match path.extension().and_then(|extension| extension.to_str()) {
                Some("pack") => path.with_extension("idx").exists(),
                Some("idx") => path.with_extension("pack").exists(),
                _ => false,
            };
            if !(is_pack && whole) {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn pack_dir(&self) -> PathBuf {
        self.dir.join("objects/pack")
    }

    pub(super) fn path(&self) -> &Path {
        &self.dir
    }

    /// The clone that is there, if it is in order.
    pub(super) fn existing(&self) -> Option<Existing> {
        let repo = Repo::open(&self.dir).ok()?;
        let followed = repo.head_branch().and_then(|branch| Some((branch, repo.head(None).ok()?)));
        let kept = kept::read(&self.dir);
        (followed.is_some() || !kept.is_empty()).then_some(Existing { repo, followed, kept })
    }

    /// Whether so much has gathered that it is better made anew.
    pub(super) fn is_worn(&self, pack_bytes: u64) -> bool {
        let packs = fs::read_dir(self.pack_dir()).into_iter().flatten().flatten();
        let packs = packs.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack"));
        packs.count() > MAX_PACKS || self.size() > pack_bytes.saturating_mul(2)
    }

    /// An empty bare repository beside the clone's place.
    pub(super) fn begin(&self) -> Result<NewClone, GitError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = beside(&self.name, &format!(".tmp-{}-{number}", std::process::id()));
        let clone = NewClone { path: self.parent.join(name) };
        let failed = || GitError::io(format!("the clone {} cannot be created", self.dir.display()));
        for folder in ["objects/pack", "objects/info", "refs/heads"] {
            fs::create_dir_all(clone.path.join(folder)).map_err(failed())?;
        }
        fs::write(clone.path.join("HEAD"), "ref: refs/heads/main\n").map_err(failed())?;
        let config = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";
        fs::write(clone.path.join("config"), config).map_err(failed())?;
        Ok(clone)
    }

    /// Puts a finished clone into its place; what was there goes.
    pub(super) fn put(&self, clone: NewClone) -> Result<(), GitError> {
        let failed = || GitError::io(format!("the clone {} cannot be put into place", self.dir.display()));
        let old = self.parent.join(beside(&self.name, &format!(".tmp-{}-old", std::process::id())));
        if self.dir.exists() {
            fs::rename(&self.dir, &old).map_err(failed())?;
        }
        fs::rename(&clone.path, &self.dir).map_err(failed())?;
        let _ = fs::remove_dir_all(&old);
        Ok(())
    }

    /// Bytes on disk.
    pub(super) fn size(&self) -> u64 {
        let mut total = 0;
        let mut waiting = vec![self.dir.clone()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.metadata() {
                    Ok(metadata) if metadata.is_dir() => waiting.push(entry.path()),
                    Ok(metadata) => total += metadata.len(),
                    Err(_) => {}
                }
            }
        }
        total
    }
}

/// Makes the followed branch the clone's only one, with what it keeps beside it. Each file is replaced whole.
pub(super) fn write_refs(git_dir: &Path, followed: Option<&(String, ObjectId)>, kept: &Kept) -> Result<(), GitError> {
    let mut packed = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
    if let Some((branch, head)) = followed {
        packed.push_str(&format!("{head} refs/heads/{branch}\n"));
    }
    for (branch, id) in kept {
        packed.push_str(&format!("{id} {}{branch}\n", kept::PREFIX));
    }
    replace(git_dir, "packed-refs", &packed)?;
    match followed {
        Some((branch, _)) => replace(git_dir, "HEAD", &format!("ref: refs/heads/{branch}\n")),
        None => Ok(()),
    }
}

fn replace(git_dir: &Path, name: &str, text: &str) -> Result<(), GitError> {
    let path = git_dir.join(name);
    if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    let new = git_dir.join(format!("{name}.new"));
    let failed = || GitError::io(format!("{} cannot be written", path.display()));
    let mut file = File::create(&new).map_err(failed())?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed())?;
    fs::rename(&new, &path).map_err(failed())
}

/// Whether a branch may have this name: one that is kept, and that Git takes.
#[must_use]
pub fn is_branch_name(name: &str) -> bool {
    let full = format!("refs/heads/{name}");
    entity::input::is_branch_name(name) && gix::validate::reference::name(full.as_str().into()).is_ok()
}

/// A clone that somebody reads: while this lives it is neither replaced nor removed.
pub struct CloneInUse {
    _clone: CloneDir,
}

/// Holds a clone for reading; several may.
///
/// # Errors
/// `Busy` if it is being fetched into or removed, `Io` if its lock cannot be written.
pub fn use_clone(dir: &Path) -> Result<CloneInUse, GitError> {
    Ok(CloneInUse { _clone: CloneDir::lock_to_read(dir)? })
}

/// Removes a clone with all that lies beside it. Nothing there is fine too.
///
/// # Errors
/// `Busy` if a fetch runs, `Io` if it cannot be removed.
pub fn remove_clone(dir: &Path) -> Result<(), GitError> {
    let clone = CloneDir::lock(dir)?;
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(GitError::io(format!("the clone {} cannot be removed", dir.display())))?;
    }
    for suffix in [ADDING, LOCK] {
        let _ = fs::remove_file(clone.parent.join(beside(&clone.name, suffix)));
    }
    Ok(())
}

/// Whether an open file is still the one that stands at a path.
fn is_at(file: &File, path: &Path) -> bool {
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().map(place).ok() == fs::metadata(path).map(place).ok()
}

fn beside(name: &OsString, suffix: &str) -> OsString {
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(suffix);
    beside
}
