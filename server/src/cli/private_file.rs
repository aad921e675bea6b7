//! Files that commands write: none is lost, and those with secrets are their owner's alone.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use zeroize::Zeroizing;

/// Writes a file that is not there yet, or any with `force`.
pub(super) fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    write_with(path, text, force, 0o666)
}

/// The same, readable by its owner alone, also where it was there and was not.
pub(super) fn write_private(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    write_with(path, text, force, 0o600)
}

/// Names and values as a shell and systemd read them.
pub(super) fn env_file<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Zeroizing<String> {
    let line = |(name, value): (&str, &str)| format!("{name}='{}'\n", value.replace('\'', r"'\''"));
    Zeroizing::new(entries.into_iter().map(line).collect())
}

fn write_with(path: &Path, text: &str, force: bool, mode: u32) -> anyhow::Result<()> {
    let context = || format!("{} cannot be written (--force overwrites a file that exists)", path.display());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force).mode(mode);
    let mut file = options.open(path).with_context(context)?;
    if mode == 0o600 {
        file.set_permissions(std::fs::Permissions::from_mode(mode)).with_context(context)?;
    }
    file.write_all(text.as_bytes()).with_context(context)
}
