//! Which branch is read where HEAD leads to none: a name left over from before a rename is not an empty repository.

use crate::GitError;
use crate::error::chain as causes;

/// `main`, else `master`, else the only one.
fn usual<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let known = |wanted: &str| names.clone().find(|name| *name == wanted);
    known("main").or_else(|| known("master")).or_else(|| {
        let mut all = names.clone();
        all.next().filter(|_| all.next().is_none())
    })
}

/// The name of the branch that HEAD points to if there is no such branch.
///
/// # Errors
/// `Corrupt` or `Unsupported` if HEAD cannot be read.
pub(crate) fn unborn_head(repo: &gix::Repository) -> Result<Option<String>, GitError> {
    let head = repo.head().map_err(|error| unreadable(&error))?;
    Ok(head.referent_name().filter(|_| head.is_unborn()).map(|name| name.shorten().to_string()))
}

/// The branch that stands in for a HEAD without one.
///
/// # Errors
/// `EmptyRepository` without any branch, `HeadGone` where none is the obvious one, `Corrupt` where none can be read.
pub(crate) fn stand_in(repo: &gix::Repository, head: Option<&str>) -> Result<String, GitError> {
    let references = repo.references().map_err(|error| unreadable(&error))?;
    let branches = references.local_branches().map_err(|error| unreadable(&error))?;
    let (mut names, mut broken) = (Vec::new(), None);
    for branch in branches {
        match branch {
            Ok(branch) => names.push(branch.name().shorten().to_string()),
            Err(error) => broken = Some(error.to_string()),
        }
    }
    choose(head, names, broken)
}

/// The same for names that were listed; `broken` says why some could not be.
///
/// # Errors
/// As [`stand_in`].
pub(crate) fn choose(head: Option<&str>, names: Vec<String>, broken: Option<String>) -> Result<String, GitError> {
    match usual(names.iter().map(String::as_str)) {
        Some(name) => Ok(name.to_owned()),
        None if !names.is_empty() => Err(GitError::HeadGone { head: head.map(str::to_owned), branches: names }),
        None => match broken {
            Some(why) => Err(GitError::corrupt(format!("no branch can be read: {why}"))),
            None => Err(GitError::EmptyRepository),
        },
    }
}

fn unreadable(error: &gix::Error) -> GitError {
    match error.is_unsupported() {
        true => GitError::Unsupported { feature: causes(error) },
        false => GitError::corrupt(causes(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_obvious_branch_stands_in_and_no_other() {
        let chosen = |names: &[&str]| choose(Some("gone"), names.iter().map(|name| (*name).to_owned()).collect(), None);
        for (names, name) in
            [(&["a", "main", "master"][..], "main"), (&["a", "master"], "master"), (&["trunk"], "trunk")]
        {
            assert_eq!(chosen(names).unwrap(), name);
        }
        let error = chosen(&["a", "b"]).unwrap_err().to_string();
        assert!(error.contains("HEAD names the branch gone") && error.ends_with("there are a, b"), "{error}");
        assert!(matches!(chosen(&[]), Err(GitError::EmptyRepository)));
        let error = choose(Some("gone"), Vec::new(), Some("refs/heads/x is damaged".to_owned())).unwrap_err();
        assert!(error.to_string().contains("refs/heads/x is damaged"), "{error}");
    }
}
