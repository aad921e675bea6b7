//! Which room may use which other, read from the sources: a wrong `use` is easier undone today.

use std::path::{Path, PathBuf};

/// Room, then what it must not name.
const RULES: &[(&str, &[&str])] = &[
    (
        "server/src/web",
        &[
            "crate::jobs",
            "crate::replay",
            "crate::samples",
            "crate::cli",
            "crate::config",
            "git::",
            "scan::",
            "sea_orm",
        ],
    ),
    // What people ask for goes through an action; its handlers only translate.
    ("server/src/web/api", &["JobRequest", "enqueue", "db.write", "RequestedBy::"]),
    ("server/src/jobs", &["crate::web", "crate::cli", "leptos", "axum", "sea_orm"]),
    ("server/src/replay", &["crate::web", "crate::jobs", "crate::cli", "leptos", "axum", "sea_orm"]),
    (
        "server/src/config",
        &["crate::web", "crate::jobs", "crate::replay", "crate::cli", "leptos", "axum", "sea_orm", "store"],
    ),
    ("server/crates/store/src", &["actions::", "leptos", "axum", "git::", "forge::", "scan::", "net::"]),
    ("server/crates/actions/src", &["sea_orm", "leptos", "axum", "git::", "forge::", "scan::", "net::"]),
    ("server/crates/scan/src", &["store::", "actions::", "sea_orm", "leptos", "axum", "git::", "forge::", "net::"]),
    (
        "server/crates/yaml/src",
        &["scan::", "store::", "actions::", "sea_orm", "leptos", "axum", "git::", "forge::", "net::"],
    ),
    // Both have a module of their own of this name.
    ("server/crates/git/src", &["store::db", "actions::", "sea_orm", "leptos", "axum", "scan::", "forge::"]),
    ("server/crates/forge/src", &["store::db", "actions::", "sea_orm", "leptos", "axum", "scan::"]),
    ("server/crates/net/src", &["store::", "actions::", "sea_orm", "leptos", "axum", "scan::", "forge::", "git::"]),
    (
        "server/crates/auth/src",
        &["entity::", "store::", "actions::", "sea_orm", "leptos", "axum", "scan::", "forge::", "git::"],
    ),
    (
        "server/crates/triggers/src",
        &["store::", "actions::", "sea_orm", "leptos", "axum", "git::", "forge::", "scan::"],
    ),
    ("entity/src", &["store::", "actions::", "leptos", "axum", "git::", "forge::", "net::"]),
    ("migration/src", &["entity::", "store::", "actions::"]),
    ("app/src", &["sea_orm", "server::", "git::", "forge::", "scan::", "net::", "JobRequest", "enqueue"]),
    ("end2end/standin/src", &["entity::", "store::", "actions::", "net::", "scan::", "git::Repo", "leptos"]),
    ("frontend/src", &["entity::", "store::", "actions::", "leptos_axum"]),
];

#[test]
fn rooms_use_only_what_they_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut wrong = Vec::new();
    let mut read = 0;
    for (room, forbidden) in RULES {
        for file in sources(&root.join(room)) {
            read += 1;
            let text = std::fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                for name in forbidden.iter().filter(|name| names(line, name)) {
                    let place = file.strip_prefix(root).unwrap().display();
                    wrong.push(format!("{place}:{}: {room} must not use {name}", number + 1));
                }
            }
        }
    }
    assert!(read > 400, "only {read} files were read");
    assert!(wrong.is_empty(), "{}\nWhat two rooms need belongs below both of them.", wrong.join("\n"));
}

/// Whether the line has the name as a path of its own: `git::` is not in `gogit::`.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(place, _)| {
        let before = line[..place].chars().next_back();
        let after = line[place + name.len()..].chars().next();
        let part = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
        before.is_none_or(|c| !part(c) && c != ':') && (name.ends_with("::") || after.is_none_or(|c| !part(c)))
    })
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn a_name_is_found_only_where_it_stands_alone() {
    assert!(names("use git::Repo;", "git::"));
    assert!(names("    crate::jobs::Runner::new()", "crate::jobs"));
    assert!(!names("use kubestats_git::Repo;", "git::"));
    assert!(!names("use crate::jobs_board;", "crate::jobs"));
    assert!(!names("let text = \"leptos_options\";", "leptos"));
}
