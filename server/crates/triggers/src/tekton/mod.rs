//! What a commit brings in `.tekton/`: which of Tekton's resources, whether they can be used, what they refer to, and what is
//! best done with them.
//!
//! The files are strangers' texts. How many are read, how large they are, and how much is said of them is bounded.

mod check;
mod refers;

use entity::kind::TektonAction;
use entity::view::{TektonFound, TektonResource};
use yaml::{Limits, Node};

use crate::text::{counted, cut, listed};

/// The folder that is read.
const FOLDER: &str = ".tekton/";
/// Larger files are not read.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// All files of a commit together have no more bytes.
pub const MAX_BYTES: usize = 16 << 20;
/// As many files of a commit are read.
pub const MAX_FILES: usize = 1_000;
/// Errors and warnings of one commit.
const MAX_NOTES: usize = 50;
/// Longest name that is kept; Kubernetes has none longer than 253.
const MAX_NAME: usize = 260;
const LIMITS: Limits = Limits { bytes: MAX_FILE_BYTES, nodes: 100_000, depth: 64, expanded_nodes: 200_000 };

/// Kinds of `tekton.dev`, then those of `triggers.tekton.dev`.
const PIPELINE_KINDS: [&str; 4] = ["Task", "Pipeline", "PipelineRun", "TaskRun"];
const TRIGGER_KINDS: [&str; 5] =
    ["EventListener", "Trigger", "TriggerBinding", "TriggerTemplate", "ClusterTriggerBinding"];
const PIPELINE_VERSIONS: [&str; 2] = ["tekton.dev/v1", "tekton.dev/v1beta1"];
const TRIGGER_VERSIONS: [&str; 2] = ["triggers.tekton.dev/v1beta1", "triggers.tekton.dev/v1alpha1"];

/// Whether a path is of a file that is read: YAML anywhere below `.tekton/`.
#[must_use]
pub fn is_tekton_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    path.starts_with(FOLDER) && matches!(ending.as_deref(), Some("yaml" | "yml"))
}

/// What the files of a commit bring: paths from the root of the repository, and what stands in them. What is no YAML below
/// `.tekton/` is passed over. `has_directory` says whether the commit has that folder, of which there may be nothing to read.
#[must_use]
pub fn detect_tekton<'a>(has_directory: bool, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> TektonFound {
    let mut found = TektonFound { has_directory, ..TektonFound::default() };
    let mut bytes = 0_usize;
    for (path, text) in files {
        if !is_tekton_file(path) {
            continue;
        }
        if found.total_files as usize == MAX_FILES {
            note(&mut found.warnings, format!("only the first {MAX_FILES} files of .tekton/ are read"));
            break;
        }
        found.total_files += 1;
        bytes = bytes.saturating_add(text.len());
        if bytes > MAX_BYTES {
            note(&mut found.warnings, format!("only the first {} MiB of .tekton/ are read", MAX_BYTES >> 20));
            break;
        }
        match read_file(path, text, &mut found) {
            Ok(()) => found.valid_files += 1,
            Err(error) => note(&mut found.errors, error),
        }
    }
    (found.estimated_action, found.reasons) = estimate(&found);
    found
}

fn read_file(path: &str, text: &[u8], found: &mut TektonFound) -> Result<(), String> {
    let shown = cut(path, 300);
    if text.len() > MAX_FILE_BYTES {
        return Err(format!("{shown} has {} bytes, more than the limit of {MAX_FILE_BYTES}", text.len()));
    }
    let documents = yaml::parse(text, &LIMITS).map_err(|error| {
        let line = error.line.map(|line| format!(", line {line}")).unwrap_or_default();
        format!("{shown}{line}: {}", cut(&error.message, 300))
    })?;
    for (index, document) in documents.iter().enumerate() {
        let root = document.root();
        if root.is_null() {
            continue;
        }
        let place = format!("{shown}, line {}", document.line_start);
        let (api_version, kind) = (text_at(root, "apiVersion"), text_at(root, "kind"));
        let (Some(api_version), Some(kind)) = (api_version, kind) else {
            note(&mut found.warnings, format!("{place}: has no apiVersion or no kind, and is passed over"));
            continue;
        };
        let group = api_version.split_once('/').map(|(group, _)| group);
        let kinds: &[&str] = match group {
            Some("tekton.dev") => &PIPELINE_KINDS,
            Some("triggers.tekton.dev") => &TRIGGER_KINDS,
            _ => &[],
        };
        if !kinds.contains(&kind) {
            let kind = cut(kind, 60);
            note(&mut found.warnings, format!("{place}: {kind} of {} is passed over", cut(api_version, 100)));
            continue;
        }
        if found.resources.len() == TektonFound::MOST_RESOURCES {
            note(&mut found.warnings, format!("only the first {} resources are kept", TektonFound::MOST_RESOURCES));
            return Ok(());
        }
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        found.resources.push(resource(root, api_version, kind, path, index));
    }
    Ok(())
}

fn resource(root: Node<'_>, api_version: &str, kind: &str, path: &str, index: u32) -> TektonResource {
    let metadata = root.get("metadata");
    let named = |key: &str| metadata.and_then(|metadata| text_at(metadata, key)).map(|name| cut(name, MAX_NAME));
    let generated = if is_run(kind) { named("generateName") } else { None };
    let name = named("name").or(generated).unwrap_or_default();
    let errors = check::errors(root, api_version, kind);
    TektonResource {
        api_version: cut(api_version, 100),
        kind: kind.to_owned(),
        name,
        namespace: named("namespace"),
        path: path.to_owned(),
        index,
        is_valid: errors.is_empty(),
        errors,
        dependencies: refers::dependencies(root, kind),
    }
}

/// Kinds that begin by being applied.
fn is_run(kind: &str) -> bool {
    matches!(kind, "PipelineRun" | "TaskRun")
}

/// Whether Tekton takes a kind in this version.
fn is_served(api_version: &str, kind: &str) -> bool {
    let versions = if PIPELINE_KINDS.contains(&kind) { &PIPELINE_VERSIONS } else { &TRIGGER_VERSIONS };
    versions.contains(&api_version)
}

/// As RepoSentry has it: runs are begun, else definitions applied, else somebody looks. What is incomplete counts as what it
/// means to be; what no version of Tekton takes does not count.
fn estimate(found: &TektonFound) -> (TektonAction, Vec<String>) {
    if !found.has_directory {
        return (TektonAction::Skip, vec!["the commit has no .tekton/".to_owned()]);
    }
    let served = || found.resources.iter().filter(|resource| is_served(&resource.api_version, &resource.kind));
    let runs = served().filter(|resource| is_run(&resource.kind)).count();
    let definitions = served().filter(|resource| matches!(resource.kind.as_str(), "Pipeline" | "Task")).count();
    let (action, reason) = if served().next().is_none() {
        (TektonAction::Skip, "nothing in .tekton/ is a resource of Tekton that can be used".to_owned())
    } else if runs > 0 {
        (TektonAction::Trigger, format!("brings {} (PipelineRun or TaskRun)", counted(runs, "run")))
    } else if definitions > 0 {
        let what = counted(definitions, "definition");
        (TektonAction::Apply, format!("brings {what} (Pipeline or Task) and no run"))
    } else {
        let kinds: Vec<&str> = kinds(found);
        (TektonAction::Validate, format!("brings {} only, which need to be looked at", listed(&kinds, "and")))
    };
    let mut reasons = vec![reason];
    let invalid = found.resources.iter().filter(|resource| !resource.is_valid).count();
    if invalid > 0 {
        reasons.push(format!("{} cannot be used as written", counted(invalid, "resource")));
    }
    (action, reasons)
}

/// The kinds of what was found, each once.
pub(crate) fn kinds(found: &TektonFound) -> Vec<&str> {
    let mut kinds: Vec<&str> = found.resources.iter().map(|resource| resource.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn note(notes: &mut Vec<String>, text: String) {
    match notes.len() {
        MAX_NOTES.. => {}
        count if count == MAX_NOTES - 1 => notes.push("and more of the like".to_owned()),
        _ => notes.push(text),
    }
}

/// A text that is not empty.
fn text_at<'t>(node: Node<'t>, key: &str) -> Option<&'t str> {
    node.get(key)?.text()
}
