//! Which of several documents of one name is meant.

use entity::kind::UnresolvedReason;
use entity::view::shared_folders;

use super::super::index::Entry;
use super::super::ways::Way;

/// Those in the folders that share the most leading names with the folder of the asking file.
pub fn nearest<'e>(candidates: &[&'e Entry], file: &str) -> Vec<&'e Entry> {
    let near: Vec<usize> = candidates.iter().map(|entry| shared_folders(&entry.file, file)).collect();
    let most = near.iter().copied().max();
    candidates.iter().zip(near).filter(|(_, near)| Some(*near) == most).map(|(entry, _)| *entry).collect()
}

/// Chooses by namespace, build and nearness; what is left has to agree. Gives back whether the namespace did not match.
pub fn choose<'e>(
    entries: &'e [Entry],
    namespace: Option<&str>,
    way: &Way,
    file: &str,
    agree: impl Fn(&Entry, &Entry) -> bool,
) -> Result<(&'e Entry, bool), UnresolvedReason> {
    let mut candidates: Vec<&Entry> = entries.iter().collect();
    if candidates.is_empty() {
        return Err(UnresolvedReason::SourceNotFound);
    }
    let mut by_name = false;
    if namespace.is_some() {
        let of = |wanted: Option<&str>| {
            candidates.iter().filter(|entry| entry.namespace.as_deref() == wanted).copied().collect::<Vec<_>>()
        };
        let exact = Some(of(namespace)).filter(|exact| !exact.is_empty()).unwrap_or_else(|| of(None));
        by_name = exact.is_empty();
        if !by_name {
            candidates = exact;
        }
    }
    if way.build.is_some() {
        let same: Vec<&Entry> = candidates.iter().filter(|entry| entry.build == way.build).copied().collect();
        if !same.is_empty() {
            candidates = same;
        }
    }
    let candidates = nearest(&candidates, file);
    let Some((first, others)) = candidates.split_first() else { return Err(UnresolvedReason::SourceNotFound) };
    if others.iter().all(|other| agree(first, other)) {
        Ok((first, by_name))
    } else {
        Err(UnresolvedReason::SourceAmbiguous)
    }
}
