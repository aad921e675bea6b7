//! Where the key comes from: what the operator gives, else a file that is made at the first start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::Keys;

/// The file's name in the folder for data.
const FILE: &str = "secret.key";
/// No key is longer, with any line ends around it.
const MOST_BYTES: u64 = 256;
const MAKE_ONE: &str = "make one by `openssl rand -base64 32`";

type RawKey = Zeroizing<[u8; 32]>;

/// Why there is no key for secrets at rest.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the {which} secret key is not 32 bytes in base64 or hex: {MAKE_ONE}")]
    NoKey { which: &'static str },
    #[error(
        "the current and the previous secret key are the same: leave the previous one out, or give a new current one"
    )]
    Same,
    #[error(
        "{} holds no key of 32 bytes in base64 or hex: put it back from a backup; if it is lost, remove the file, and what was sealed with it must be entered anew",
        path.display()
    )]
    Damaged { path: PathBuf },
    #[error("everybody on this machine may read {} (mode {mode:04o}): run `chmod 600 {}`, and change the key if others were here", path.display(), path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("{} cannot be {doing}: {reason}; see that the folder belongs to the user that the program runs as, or give the key in the configuration", path.display())]
    Io { path: PathBuf, doing: &'static str, reason: io::Error },
}

impl Keys {
    /// The keys of this instance: the texts that are given (32 bytes in base64 or hex), else the one of `secret.key` in this
    /// folder, which is made if there is none. Blocks.
    ///
    /// # Errors
    /// A sentence that says what is wrong with which key, and what to do. A damaged key is never replaced: everything sealed
    /// with it would be lost.
    pub fn load(dir: &Path, current: Option<&str>, previous: Option<&str>) -> Result<Self, KeyError> {
        let (current, previous) = (given(current, "current")?, given(previous, "previous")?);
        let current = match current {
            Some(key) => key,
            None => from_file(&dir.join(FILE))?,
        };
        Self::of(&current, previous.as_ref())
    }

    /// The same for who only looks: nothing where no key is given and there is no file, which is not made. Blocks.
    ///
    /// # Errors
    /// As [`Keys::load`].
    pub fn find(dir: &Path, current: Option<&str>, previous: Option<&str>) -> Result<Option<Self>, KeyError> {
        let (current, previous) = (given(current, "current")?, given(previous, "previous")?);
        let current = match current {
            Some(key) => Some(key),
            None => read(&dir.join(FILE))?,
        };
        current.map(|current| Self::of(&current, previous.as_ref())).transpose()
    }

    fn of(current: &RawKey, previous: Option<&RawKey>) -> Result<Self, KeyError> {
        if previous == Some(current) {
            return Err(KeyError::Same);
        }
        Ok(Self::new(**current, previous.map(|key| **key)))
    }
}

fn given(text: Option<&str>, which: &'static str) -> Result<Option<RawKey>, KeyError> {
    text.map(|text| parse(text).ok_or(KeyError::NoKey { which })).transpose()
}

/// 32 bytes in hex, or in base64 of either alphabet, padded or not.
fn parse(text: &str) -> Option<RawKey> {
    let text = text.trim();
    let bytes = Zeroizing::new(match text.len() {
        64 => hex::decode(text).ok()?,
        43 | 44 => STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).or_else(|_| unpadded(text)).ok()?,
        _ => return None,
    });
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

fn unpadded(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    URL_SAFE_NO_PAD.decode(Zeroizing::new(text.trim_end_matches('=').replace('+', "-").replace('/', "_")).as_bytes())
}

fn from_file(path: &Path) -> Result<RawKey, KeyError> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    make(path)?;
    // What is there now may be another process's: both go on with the same.
    read(path)?.ok_or_else(|| KeyError::Io {
        path: path.to_owned(),
        doing: "read",
        reason: io::Error::from(io::ErrorKind::NotFound),
    })
}

/// `None` if there is no such file.
fn read(path: &Path) -> Result<Option<RawKey>, KeyError> {
    let io = |reason| KeyError::Io { path: path.to_owned(), doing: "read", reason };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let about = file.metadata().map_err(io)?;
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(KeyError::Open { path: path.to_owned(), mode });
    }
    // Kubernetes gives a volume's files to the pod's group each time it mounts them (`fsGroup`), so this is no error.
    if mode & 0o070 != 0 {
        tracing::warn!(path = %path.display(), "a group may read the secret key (mode {mode:04o}): run `chmod 600` on it");
    }
    let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES as usize + 1));
    match file.take(MOST_BYTES).read_to_string(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
        Err(error) => return Err(io(error)),
    }
    parse(&text).map(Some).ok_or_else(|| KeyError::Damaged { path: path.to_owned() })
}

/// Writes a new key beside its place and links it there: it appears whole or not at all, and never over another.
fn make(path: &Path) -> Result<(), KeyError> {
    let io = |reason| KeyError::Io { path: path.to_owned(), doing: "made", reason };
    let beside = path.with_file_name(format!(".{FILE}.{}", hex::encode(crate::random::<8>().as_slice())));
    let written = write(&beside).and_then(|()| match fs::hard_link(&beside, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    // It may not have come to be.
    let _ = fs::remove_file(&beside);
    written.map_err(io)?;
    // The name is to outlive a power cut as well; some file systems cannot promise it.
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
    tracing::info!(path = %path.display(), "made a key for secrets at rest: keep a copy apart from the database's backups");
    Ok(())
}

fn write(beside: &Path) -> io::Result<()> {
    let text = Zeroizing::new(STANDARD.encode(crate::random::<32>().as_slice()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Keys::load(dir.path(), None, None).unwrap();
        let path = dir.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(first.same_current(&Keys::load(dir.path(), None, None).unwrap()));
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE], "nothing is left beside it");
        assert!(first.same_current(&Keys::find(dir.path(), None, None).unwrap().unwrap()));
        let other = tempfile::tempdir().unwrap();
        assert!(Keys::find(other.path(), None, None).unwrap().is_none());
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0, "who only looks makes nothing");
        assert!(!first.same_current(&Keys::load(other.path(), None, None).unwrap()));
    }

    #[test]
    fn those_who_start_at_once_agree() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let start = std::sync::Barrier::new(8);
            let all: Vec<Keys> = std::thread::scope(|scope| {
                let load = || {
                    start.wait();
                    Keys::load(dir.path(), None, None).unwrap()
                };
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(all.iter().all(|keys| keys.same_current(&all[0])));
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn given_keys_are_read_in_hex_and_base64() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = [0xfb; 32];
        let expected = Keys::new(bytes, None);
        let standard = STANDARD.encode(bytes);
        for text in [
            hex::encode(bytes),
            hex::encode_upper(bytes),
            standard.clone(),
            standard.trim_end_matches('=').to_owned(),
            URL_SAFE_NO_PAD.encode(bytes),
            format!("{}=", URL_SAFE_NO_PAD.encode(bytes)),
            format!(" {standard}\n"),
        ] {
            let keys = Keys::load(dir.path(), Some(&text), None).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(keys.same_current(&expected), "{text}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "no file is made");
        let both = Keys::load(dir.path(), Some(&standard), Some(&hex::encode([2; 32]))).unwrap();
        assert_eq!(both.derive_previous("jwt"), Some(Keys::new([2; 32], None).derive("jwt")));
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let dir = tempfile::tempdir().unwrap();
        let sound = hex::encode([1; 32]);
        for text in ["", "hunter2", &"x".repeat(64), &"=".repeat(44), &sound[2..], &STANDARD.encode([1; 31])] {
            let error = Keys::load(dir.path(), Some(text), None).unwrap_err().to_string();
            assert!(error.starts_with("the current secret key is not 32 bytes"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
            let error = Keys::load(dir.path(), Some(&sound), Some(text)).unwrap_err().to_string();
            assert!(error.starts_with("the previous secret key is not 32 bytes"), "{error}");
        }
        assert!(matches!(Keys::load(dir.path(), Some(&sound), Some(&sound)), Err(KeyError::Same)));
    }

    #[test]
    fn a_damaged_or_open_file_is_named_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for damaged in [&b""[..], b"hunter2", &[0xff; 64], &vec![b'a'; 100_000]] {
            fs::write(&path, damaged).unwrap();
            chmod(&path, 0o600);
            let error = Keys::load(dir.path(), None, None).unwrap_err();
            assert!(matches!(error, KeyError::Damaged { .. }), "{error}");
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            assert_eq!(fs::read(&path).unwrap(), damaged);
        }
        fs::write(&path, hex::encode([1; 32])).unwrap();
        for mode in [0o644, 0o604, 0o602, 0o666] {
            chmod(&path, mode);
            let error = Keys::load(dir.path(), None, None).unwrap_err().to_string();
            assert!(error.contains("chmod 600") && error.contains(&format!("{mode:04o}")), "{error}");
        }
        for mode in [0o600, 0o400, 0o640] {
            chmod(&path, mode);
            assert!(Keys::load(dir.path(), None, None).unwrap().same_current(&Keys::new([1; 32], None)), "{mode:o}");
        }
        let nowhere = Keys::load(&dir.path().join("nowhere"), None, None).unwrap_err();
        assert!(matches!(nowhere, KeyError::Io { doing: "made", .. }), "{nowhere}");
    }
}
