//! Which remotes the repository has that somebody stands in.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use entity::address::{Address, Scheme};

/// A configuration of Git that is larger is not somebody's own.
const MOST_BYTES: u64 = 1 << 20;

/// The addresses of the remotes around a folder, as a server without keys reaches them: by https, without credentials.
pub(in crate::cli) fn remotes(folder: &Path) -> Vec<String> {
    let Some(config) = folder.ancestors().find_map(config_of) else { return Vec::new() };
    let mut text = String::new();
    let read = std::fs::File::open(config).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for url in urls(&text).filter_map(reachable) {
        if !found.contains(&url) {
            found.push(url);
        }
    }
    found
}

/// Where Git keeps the configuration of the work tree at a folder; worktrees share that of the first.
fn config_of(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git.join("config"));
    }
    let line = |path: &Path| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let elsewhere = folder.join(line(&git)?.strip_prefix("gitdir:")?.trim());
    let common = line(&elsewhere.join("commondir")).map_or(elsewhere.clone(), |common| elsewhere.join(common));
    Some(common.join("config"))
}

/// The addresses in the sections of remotes.
fn urls(text: &str) -> impl Iterator<Item = &str> {
    let mut in_remote = false;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with('[') {
            in_remote = line.to_ascii_lowercase().starts_with("[remote ");
            return None;
        }
        let (key, value) = line.split_once('=')?;
        (in_remote && key.trim().eq_ignore_ascii_case("url")).then(|| value.trim().trim_matches('"'))
    })
}

fn reachable(text: &str) -> Option<String> {
    let address = Address::read(text).ok()?;
    match address.scheme() {
        // What is written before an `@` may be a token.
        Scheme::Https => Some(format!("https://{}/{}", address.place(), address.full_name())),
        Scheme::Ssh => Some(format!("https://{}/{}", address.host(), address.full_name())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_found_from_anywhere_in_a_work_tree() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("apps/web");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(remotes(&deep), [""; 0]);
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        let config = "[core]\n\turl = no\n[remote \"origin\"]\n\turl = git@github.com:ada/home.git\n\tfetch = +refs/*:x\n\
                      [remote \"mirror\"]\n\tURL = https://user:pass@git.example.org:8443/a/b\n[remote \"disk\"]\n\turl = /tmp/x\n\
                      [branch \"main\"]\n\turl = https://github.com/no/no\n";
        std::fs::write(folder.path().join(".git/config"), config).unwrap();
        assert_eq!(remotes(&deep), ["https://github.com/ada/home", "https://git.example.org:8443/a/b"]);
        // A worktree of it.
        let tree = tempfile::tempdir().unwrap();
        let of_tree = folder.path().join(".git/worktrees/t");
        std::fs::create_dir_all(&of_tree).unwrap();
        std::fs::write(of_tree.join("commondir"), "../..\n").unwrap();
        std::fs::write(tree.path().join(".git"), format!("gitdir: {}\n", of_tree.display())).unwrap();
        assert_eq!(remotes(tree.path()).len(), 2);
    }
}
