//! Two commits held against each other, read from git for the forges' answers.

use std::path::Path;

use crate::objects::{asked, is_id};
use crate::{Error, bare};

/// A commit without files is compared with this.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// What lies between two commits.
#[derive(Debug, Clone)]
pub(crate) struct Compared {
    /// The newest commit that both come from, if there is one.
    pub merge_base: Option<String>,
    /// Commits of the head that the base does not have, the newest first.
    pub ahead: Vec<String>,
    /// How many the base has that the head does not have.
    pub behind: usize,
    /// Files that differ.
    pub changes: Vec<Change>,
}

/// A file that differs.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Git's letter for what became of it: `A`, `D`, `M`, `R` or `T`.
    pub letter: char,
    pub path: String,
    /// What it was called before: the same unless it was renamed.
    pub old_path: String,
    /// Six octal digits; zeros where there is none.
    pub old_mode: String,
    pub new_mode: String,
    /// Of what it holds, or held where it is gone.
    pub id: String,
    pub added_lines: u64,
    pub removed_lines: u64,
}

/// Holds the head against the base; files from where the two parted, or straight from the base. Nothing where git knows no
/// commit of either name.
///
/// # Errors
/// If git cannot be asked.
pub(crate) async fn between(git: &Path, base: &str, head: &str, straight: bool) -> Result<Option<Compared>, Error> {
    if !is_id(head) {
        return Ok(None);
    }
    let head = head.to_owned();
    asked(git, base, move |git, base| {
        for id in [&base, &head] {
            bare::git(&git, &["rev-parse", "--verify", "--quiet", &format!("{id}^{{commit}}")], None, &[])?;
        }
        // Git fails where there is none.
        let merge_base = bare::git(&git, &["merge-base", &base, &head], None, &[]).ok();
        let only_in = |one: &str, other: &str| -> Result<Vec<String>, Error> {
            let told = bare::git(&git, &["rev-list", one, &format!("^{other}")], None, &[])?;
            Ok(told.lines().map(str::to_owned).collect())
        };
        let (ahead, behind) = (only_in(&head, &base)?, only_in(&base, &head)?.len());
        let from = if straight { Some(base.as_str()) } else { merge_base.as_deref() };
        let changes = from.map(|from| changes(&git, from, &head)).transpose()?.unwrap_or_default();
        Ok(Compared { merge_base, ahead, behind, changes })
    })
    .await
}

/// What a commit changed against its first parent; all that it has where it has none.
///
/// # Errors
/// If git cannot be asked.
pub(crate) async fn changes_of(git: &Path, commit: &str, parent: Option<&str>) -> Result<Vec<Change>, Error> {
    let from = parent.unwrap_or(EMPTY_TREE).to_owned();
    let found = asked(git, commit, move |git, commit| changes(&git, &from, &commit)).await?;
    Ok(found.unwrap_or_default())
}

fn changes(git: &Path, from: &str, to: &str) -> Result<Vec<Change>, Error> {
    let told = |form: &str| -> Result<String, Error> {
        let arguments = ["diff-tree", "-r", "-z", "--no-abbrev", "--find-renames", form, from, to];
        Ok(String::from_utf8_lossy(&bare::git_bytes(git, &arguments, None, &[])?).into_owned())
    };
    let (raw, counts) = (told("--raw")?, told("--numstat")?);
    let (mut raw, mut counts) = (raw.split('\0').map(str::to_owned), counts.split('\0'));
    let mut found = Vec::new();
    while let Some(about) = raw.next().as_deref().and_then(|field| field.strip_prefix(':')) {
        let mut words = about.split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (old_mode, new_mode, old_id, new_id) = (word(), word(), word(), word());
        let letter = word().chars().next().unwrap_or('M');
        let old_path = raw.next().unwrap_or_default();
        let counted = counts.next().unwrap_or_default();
        let mut path = old_path.clone();
        if letter == 'R' {
            path = raw.next().unwrap_or_default();
            // Both names stand behind the numbers.
            let _ = counts.nth(1);
        }
        let mut lines = counted.split('\t').map(|count| count.parse().unwrap_or_default());
        let (added_lines, removed_lines) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let id = if letter == 'D' { old_id } else { new_id };
        found.push(Change { letter, path, old_path, old_mode, new_mode, id, added_lines, removed_lines });
    }
    Ok(found)
}
