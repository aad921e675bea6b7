//! The second file, and what RepoSentry's reader let pass: each of these was a hole there.

use std::path::{Path, PathBuf};

use super::super::*;

/// A folder with a main file and the one that it names.
fn folder(main: &str, repositories: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubestats.yaml");
    std::fs::write(&path, main).unwrap();
    std::fs::write(folder.path().join("repositories.yaml"), repositories).unwrap();
    (folder, path)
}

fn environment() -> Environment {
    [("APP_TOKEN", "secret-token"), ("HOME", "/root"), ("EMPTY_TOKEN", "")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn errors(main: &str, repositories: &str) -> Vec<String> {
    let (folder, path) = folder(main, repositories);
    let root = format!("{}/", folder.path().display());
    let told = load(Some(&path), environment()).unwrap_err();
    told.0.iter().map(|error| error.to_string().replace(&root, "")).collect()
}

const NAMES: &str = "repositories_config: repositories.yaml\n";

#[test]
fn repositories_of_a_second_file_are_read_by_the_same_rules() {
    let (folder, path) = folder(
        NAMES,
        "repositories:\n  - url: https://h/a/b\n    token: ${APP_TOKEN}\n    branch_regex: ^main$\n  - {url: 'https://h/a/c', enabled: false}\n",
    );
    let config = load(Some(&path), environment()).unwrap();
    assert_eq!(config.repositories[0].token.as_ref().unwrap().expose(), "secret-token");
    // As in the main file: there where it is not said, and off where it is.
    assert_eq!(config.repositories.iter().map(|found| found.enabled).collect::<Vec<_>>(), [true, false]);
    assert!(!config.shows_samples());
    assert_eq!(config.files, [path, folder.path().join("repositories.yaml")]);
    // What is in force has them in one place.
    assert!(!config.to_yaml().unwrap().contains("repositories_config"));
}

#[test]
fn variables_of_a_second_file_need_the_same_leave() {
    let of = |token: &str| errors(NAMES, &format!("repositories:\n  - url: https://h/a/b\n    token: '{token}'\n"));
    let place = "repositories.yaml:3: repositories[0].token: ";
    for (token, told) in [
        ("${HOME}", "environment variable HOME may not be used here"),
        ("${EMPTY_TOKEN}", "environment variable EMPTY_TOKEN is not set"),
        ("${OTHER_TOKEN}", "environment variable OTHER_TOKEN is not set"),
        ("${APP_TOKEN:-x}", "`${APP_TOKEN:-x}` names no environment variable"),
        ("${APP_TOKEN", "`${` without its `}`"),
        ("$APP_TOKEN", "begins with $, which puts no variable in place; write ${NAME}"),
    ] {
        let found = of(token);
        assert!(found.len() == 1 && found[0].starts_with(&format!("{place}{told}")), "{token}: {found:?}");
    }
    // The main file's list holds for both.
    let found = errors(
        "repositories_config: repositories.yaml\nsecurity: {allowed_env_vars: [OTHER]}\n",
        "repositories:\n  - url: https://h/a/b\n    token: ${APP_TOKEN}\n",
    );
    assert!(found[0].contains("APP_TOKEN may not be used here"), "{found:?}");
}

#[test]
fn a_second_file_that_cannot_be_read_is_an_error_with_its_own_place() {
    for (repositories, told) in [
        ("repositories: [\n", "repositories.yaml:"),
        ("repositories: []\n---\na: 1\n", "repositories.yaml:3: a second document begins here"),
        (
            "repositories:\n  - url: https://h/a/b\n    branch_regex: '('\n",
            "repositories.yaml:3: repositories[0].branch_regex: ",
        ),
        ("repositories: []\nsettings: 1\n", "repositories.yaml:2: settings: unknown key; allowed: repositories"),
        ("global_settings: {default_polling_enabled: true}\n", "repositories.yaml:1: global_settings: defaults of all"),
        ("repositories: [{url: 'https://h/a/b'}, {url: 'https://h/a/b'}]\n", "repositories.yaml:1: repositories[1]: "),
    ] {
        let found = errors(NAMES, repositories);
        assert!(found.len() == 1 && found[0].starts_with(told), "{repositories}: {found:?}");
    }
    let found = errors("repositories_config: nowhere.yaml\n", "");
    assert!(found[0].starts_with("kubestats.yaml:1: repositories_config: nowhere.yaml cannot be read"), "{found:?}");
    // Nothing is dropped without a word.
    let found = errors(&format!("{NAMES}repositories: [{{url: 'https://h/a/b'}}]\n"), "repositories: []");
    assert!(found[0].contains("write all of them in one place"), "{found:?}");
}

#[test]
fn a_broken_file_is_told_and_never_taken_for_the_defaults() {
    for main in ["repositories: [\n", "\tapp: 1\n", "app: {data_dir: [a]}\n", "- a list\n"] {
        assert!(errors(main, "")[0].starts_with("kubestats.yaml:"), "{main}");
    }
    let missing = load(Some(Path::new("/nowhere/kubestats.yaml")), environment()).unwrap_err().to_string();
    assert!(missing.starts_with("/nowhere/kubestats.yaml: cannot be read"), "{missing}");
}

#[test]
fn every_repository_is_checked_as_the_sync_will_use_it() {
    // Both passed RepoSentry's check, and failed when it was too late.
    let found = errors("repositories:\n  - url: http://h/a/b\n  - {url: 'https://h/a/c', polling_interval: 59s}\n", "");
    assert!(found[0].starts_with("kubestats.yaml:2: repositories[0].url: plain http is not allowed"), "{found:?}");
    assert!(found[1].starts_with("kubestats.yaml:3: repositories[1].polling_interval: found \"59s\"; from 1m to 30d"));
    assert!(errors("polling: {interval: 30s}\n", "")[0].contains("from 1m to 30d is allowed"));
    assert!(errors("storage: {type: mysql}\n", "")[0].contains("allowed: sqlite, postgres"));
    // What is off in the file is off.
    let off = "repositories: [{name: a/b, url: 'https://h/a/b', enabled: false}]";
    let (_folder, path) = folder(off, "");
    assert!(!load(Some(&path), environment()).unwrap().repositories[0].enabled);
}

#[test]
fn lists_hold_variables_as_well() {
    let main = "discovery: {topics: ['${APP_TOKEN}', plain]}\n";
    let (_folder, path) = folder(main, "");
    assert_eq!(load(Some(&path), environment()).unwrap().discovery.topics, ["secret-token", "plain"]);
    let found = errors("discovery:\n  topics:\n    - a\n    - ${HOME}\n", "");
    assert!(found[0].starts_with("kubestats.yaml:4: discovery.topics: environment variable HOME"), "{found:?}");
}

#[test]
fn variables_are_listed_whatever_else_is_wrong() {
    let (folder, path) = folder(
        "repositories_config: repositories.yaml\napp: {listen: nowhere}\nmail: {smtp: {password: '${HOME}${APP_TOKEN}'}}\n",
        "repositories:\n  - url: https://h/a/b\n    token: ${OTHER_TOKEN}\n",
    );
    let found = check_env(Some(&path), environment()).unwrap();
    let mut found: Vec<(&str, VariableState, &str, String)> = found
        .iter()
        .map(|used| {
            let place = used.file.replace(&format!("{}/", folder.path().display()), "");
            (used.name.as_str(), used.state, used.key.as_str(), format!("{place}:{}", used.line.unwrap()))
        })
        .collect();
    found.sort_by_key(|(name, ..)| *name);
    let expected = [
        ("APP_TOKEN", VariableState::Set, "mail.smtp.password", "kubestats.yaml:3".to_owned()),
        ("HOME", VariableState::NotAllowed, "mail.smtp.password", "kubestats.yaml:3".to_owned()),
        ("OTHER_TOKEN", VariableState::Unset, "repositories[0].token", "repositories.yaml:3".to_owned()),
    ];
    assert_eq!(found, expected);
    assert!(check_env(Some(Path::new("/nowhere.yaml")), environment()).is_err());
}

#[test]
fn a_text_that_somebody_sent_makes_us_read_no_other_files() {
    let (folder, path) = folder("", "repositories: [{url: ftp://h/a}]\n");
    let other = folder.path().join("repositories.yaml");
    let check = |known: &[PathBuf]| {
        let found = check(&path, NAMES, environment(), known);
        found.iter().map(|error| error.message.clone()).collect::<Vec<_>>()
    };
    assert!(check(&[])[0].contains("is none of the files in use, so it is not read here"), "{:?}", check(&[]));
    assert!(check(&[other])[0].contains("scheme \"ftp\" is not known here"));
    for text in
        ["charts: {sources: /etc/passwd}", "accounts: {github: {client_id: a, client_secret_file: /etc/passwd}}"]
    {
        let found = super::super::check(&path, text, environment(), &[]);
        assert!(found.iter().any(|error| error.message.contains("is none of the files in use")), "{found:?}");
    }
}
