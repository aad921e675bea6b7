//! Whether a repository is of a format that is read here. What is not known is refused by name, as Git does: reading on would
//! take refs or objects that lie elsewhere for missing ones.

use std::path::{Path, PathBuf};

use crate::GitError;

/// Extensions that change nothing for a reader.
const HARMLESS: [&str; 8] = [
    "noop",
    "noop-v1",
    "preciousobjects",
    "partialclone",
    "worktreeconfig",
    "relativeworktrees",
    "compatobjectformat",
    "submodulepathconfig",
];

/// Refuses a repository whose configuration says that more has to be known to read it.
///
/// # Errors
/// `Unsupported` with the name of what is not known here. A configuration that cannot be read is left to whoever opens it.
pub(super) fn check(path: &Path) -> Result<(), GitError> {
    let file = common_dir(path).join("config");
    let Ok(config) = gix::config::File::from_path_no_includes(file, gix::config::Source::Local) else { return Ok(()) };
    let version = match config.integer("core.repositoryFormatVersion") {
        Ok(version) => version.unwrap_or(0),
        Err(_) => return Ok(()),
    };
    if !(0..=1).contains(&version) {
        return Err(unsupported(format!("the repository format version {version}; versions 0 and 1 are read")));
    }
    for section in config.sections_by_name("extensions").into_iter().flatten() {
        for name in section.value_names() {
            let name = name.clone();
            let value = section.value(name.as_str()).map(|value| value.to_string()).unwrap_or_default();
            refuse_unknown(version, section.header().subsection_name().is_some(), &name, &value)?;
        }
    }
    Ok(())
}

fn refuse_unknown(version: i64, is_nested: bool, name: &str, value: &str) -> Result<(), GitError> {
    let lower = name.to_ascii_lowercase();
    let value: String = value.chars().filter(|c| !c.is_control()).take(60).collect();
    match lower.as_str() {
        "refstorage" if !value.eq_ignore_ascii_case("files") => Err(unsupported(format!(
            "the {value} format for its refs (extensions.refStorage), which Kubestats does not read yet: convert it by `git \
             refs migrate --ref-format=files`, or fetch it from a server"
        ))),
        "objectformat" if !value.eq_ignore_ascii_case("sha1") => {
            Err(unsupported(format!("{value} object names (extensions.objectFormat)")))
        }
        "refstorage" | "objectformat" => Ok(()),
        known if !is_nested && HARMLESS.contains(&known) => Ok(()),
        // Version 0 is older than extensions: Git passes over what it does not know there.
        _ if version == 0 => Ok(()),
        _ => Err(unsupported(format!("the extension {name:?} of its format (extensions.{name} = {value})"))),
    }
}

fn unsupported(feature: String) -> GitError {
    GitError::Unsupported { feature }
}

/// Where the configuration lies: in the repository, in its `.git`, or where that file points to.
fn common_dir(path: &Path) -> PathBuf {
    let inner = path.join(".git");
    let git_dir = match std::fs::read_to_string(&inner) {
        Ok(link) => path.join(link.trim().trim_start_matches("gitdir:").trim()),
        Err(_) if inner.is_dir() => inner,
        Err(_) => path.to_owned(),
    };
    match std::fs::read_to_string(git_dir.join("commondir")) {
        Ok(common) => git_dir.join(common.trim()),
        Err(_) => git_dir,
    }
}
