//! Real repositories out of a folder: bare ones as git makes them, and the project's samples, which are kept flat.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};

use crate::Error;
use crate::world::{Access, Repository, owner_id};

/// Every repository in a folder, under the owner `samples` or, one level deeper, under the folder's name.
///
/// Flat samples are laid out as bare repositories below `scratch`, which has to outlive the forge.
///
/// # Errors
/// If a folder cannot be read or written, or git fails.
pub fn folder(folder: &Path, scratch: &Path) -> Result<Vec<Repository>, Error> {
    let mut found = Vec::new();
    for path in folders(folder)? {
        let name = file_name(&path);
        if let Some(git) = bare(&path, "samples", scratch)? {
            found.push(repository("samples", name.trim_end_matches(".git"), git)?);
            continue;
        }
        for inner in folders(&path)? {
            if let Some(git) = bare(&inner, &name, scratch)? {
                found.push(repository(&name, file_name(&inner).trim_end_matches(".git"), git)?);
            }
        }
    }
    Ok(found)
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Where the bare repository of a folder is, if it is one.
fn bare(path: &Path, owner: &str, scratch: &Path) -> Result<Option<PathBuf>, Error> {
    if !path.join("HEAD").is_file() {
        return Ok(None);
    }
    if path.join("objects").is_dir() {
        return Ok(Some(std::path::absolute(path)?));
    }
    // A sample: packs beside HEAD, since empty folders are not kept in Git.
    let target = scratch.join(owner).join(file_name(path));
    for folder in ["objects/pack", "objects/info", "refs/heads", "refs/tags"] {
        std::fs::create_dir_all(target.join(folder))?;
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let within = if name.to_string_lossy().starts_with("pack-") { "objects/pack" } else { "" };
        std::fs::copy(entry.path(), target.join(within).join(name))?;
    }
    Ok(Some(target))
}

/// What git tells of a repository; stars and the like follow from its name.
fn repository(owner: &str, name: &str, git: PathBuf) -> Result<Repository, Error> {
    let head = std::fs::read_to_string(git.join("HEAD"))?;
    let default_branch = head.trim().strip_prefix("ref: refs/heads/").unwrap_or("main").to_owned();
    let dates = ask(&git, &["log", "--first-parent", "--format=%cI", &default_branch])?;
    let moment = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.with_timezone(&Utc));
    let pushed_at = dates.lines().next().and_then(moment).unwrap_or_default();
    let created_at = dates.lines().last().and_then(moment).unwrap_or(pushed_at);
    let description = std::fs::read_to_string(git.join("description")).unwrap_or_default();
    let description =
        Some(description.trim().to_owned()).filter(|text| !text.is_empty() && !text.starts_with("Unnamed repository"));
    let id = owner_id(&format!("{owner}/{name}"));
    let size: u64 = ask(&git, &["count-objects", "-v"])?
        .lines()
        .filter_map(|line| line.strip_prefix("size-pack: ").or_else(|| line.strip_prefix("size: ")))
        .filter_map(|kilobytes| kilobytes.parse::<u64>().ok())
        .sum();
    Ok(Repository {
        id,
        owner: owner.to_owned(),
        organization: true,
        name: name.to_owned(),
        description,
        homepage: None,
        language: Some("YAML".to_owned()),
        license: None,
        topics: ["kubesearch", "k8s-at-home", "gitops"].map(str::to_owned).to_vec(),
        stars: id % 500,
        forks: id % 40,
        subscribers: id % 20,
        open_issues: id % 12,
        open_pulls: id % 5,
        size_kb: size,
        created_at,
        updated_at: pushed_at,
        pushed_at,
        fork: false,
        archived: false,
        default_branch,
        state: Access::Public,
        git,
    })
}

fn ask(git: &Path, arguments: &[&str]) -> Result<String, Error> {
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "--git-dir"])
        .arg(git)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()?;
    // A repository without a commit has no log; it is served all the same.
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
