//! An event as an expression sees it.

use std::collections::HashMap;
use std::sync::Arc;

use cel::common::types::{CelBool, CelList, CelMap, CelMapKey, CelString};
use cel::common::value::Val;
use cel::extractors::This;
use cel::{Context, Env, ExecutionError};
use entity::kind::{BranchEventKind, Provider, TektonAction};
use entity::value::ObjectId;
use entity::view::{TektonFound, TektonResource};
use regex::Regex;

use super::bounds::Use;
use crate::condition::judge::is_gone;
use crate::condition::{ChangedPaths, EventFacts, MAX_PATHS};
use crate::tekton::kinds;
use crate::text::{counted, cut};

/// All paths together, in bytes: sums and loops make a few hundred times as much of them at most.
const MAX_PATH_BYTES: usize = 1 << 20;

/// The paths that are looked at.
pub(super) struct Paths<'a> {
    paths: Option<&'a [String]>,
    is_cut: bool,
}

impl<'a> Paths<'a> {
    /// A branch that is gone changes none.
    pub(super) fn of(facts: &EventFacts<'a>) -> Self {
        if is_gone(facts) {
            return Self { paths: Some(&[]), is_cut: false };
        }
        let Some(changed) = facts.paths else { return Self { paths: None, is_cut: false } };
        let mut bytes = 0;
        let fits = |path: &&String| {
            bytes += path.len();
            bytes <= MAX_PATH_BYTES
        };
        let count = changed.paths.iter().take(MAX_PATHS).take_while(fits).count();
        Self { paths: Some(&changed.paths[..count]), is_cut: !changed.is_complete || count < changed.paths.len() }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(super) fn count(&self) -> usize {
        self.paths.map_or(0, <[String]>::len)
    }
}

/// Whether the branch was forced, where that is known: what came or went was not.
pub(super) fn forced(facts: &EventFacts<'_>) -> Option<bool> {
    match facts.kind {
        BranchEventKind::BranchCreated | BranchEventKind::BranchDeleted => Some(false),
        BranchEventKind::BranchUpdated | BranchEventKind::TektonDetected => {
            facts.is_forced.or(facts.old_commit.is_none().then_some(false))
        }
    }
}

/// The variables that an expression uses, as far as they are known, and `matches` with its patterns.
pub(super) fn context(
    env: &Arc<Env>,
    uses: &[Use],
    facts: &EventFacts<'_>,
    paths: &Paths<'_>,
    patterns: &Arc<HashMap<String, Regex>>,
) -> Result<Context<'static, 'static>, ExecutionError> {
    let mut context = Context::with_env(Arc::clone(env));
    for used in uses {
        if let Some(value) = value(*used, facts, paths) {
            context.add_variable_as_val(used.name(), value);
        }
    }
    if !patterns.is_empty() {
        let patterns = Arc::clone(patterns);
        let matches = move |This(text): This<Arc<String>>, pattern: Arc<String>| {
            patterns.get(pattern.as_str()).is_some_and(|regex| regex.is_match(&text))
        };
        context.add_function("matches", matches).map_err(|error| ExecutionError::InternalError(error.to_string()))?;
    }
    Ok(context)
}

fn value(used: Use, facts: &EventFacts<'_>, paths: &Paths<'_>) -> Option<Box<dyn Val>> {
    Some(match used {
        Use::Branch => text(facts.branch),
        Use::Event => text(facts.kind.as_str()),
        Use::Commit => hash(facts.new_commit),
        Use::PreviousCommit => hash(facts.old_commit),
        Use::Forced => truth(forced(facts)?),
        Use::Repository => map([
            ("name", text(facts.repository_full_name)),
            ("url", text(facts.repository_url)),
            ("provider", text(facts.provider.as_str())),
        ]),
        Use::Paths => list(paths.paths?.iter().map(String::as_str)),
        Use::Tekton => {
            let none = (false, TektonAction::Skip, Vec::new());
            let (found, action, kinds) = match facts.tekton {
                _ if is_gone(facts) => none,
                Some(tekton) => (tekton.is_usable(), tekton.estimated_action, kinds(tekton)),
                None => return None,
            };
            map([("found", truth(found)), ("action", text(action.as_str())), ("kinds", list(kinds.into_iter()))])
        }
    })
}

fn truth(value: bool) -> Box<dyn Val> {
    Box::new(CelBool::from(value))
}

/// What the program reads is its own.
fn text(text: &str) -> Box<dyn Val> {
    Box::new(CelString::from(text.to_owned()))
}

/// A commit that is not there is an empty text.
fn hash(id: Option<ObjectId>) -> Box<dyn Val> {
    Box::new(CelString::from(id.map(|id| id.to_string()).unwrap_or_default()))
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> Box<dyn Val> {
    Box::new(CelList::from(texts.map(text).collect::<Vec<_>>()))
}

fn map<const N: usize>(fields: [(&'static str, Box<dyn Val>); N]) -> Box<dyn Val> {
    let fields: HashMap<CelMapKey<'static>, Box<dyn Val>> =
        fields.into_iter().map(|(name, value)| (CelMapKey::from(name), value)).collect();
    Box::new(CelMap::from(fields))
}

/// What the variables that were used held, for whoever asks why.
pub(super) fn shown(uses: &[Use], facts: &EventFacts<'_>, paths: &Paths<'_>) -> String {
    let value = |used: &Use| match used {
        Use::Branch => format!("branch is {}", cut(facts.branch, 100)),
        Use::Event => format!("event is {}", facts.kind),
        Use::Repository => format!("repository is {}", cut(facts.repository_full_name, 100)),
        Use::Commit => format!("commit is {}", facts.new_commit.map_or_else(|| "none".to_owned(), ObjectId::short)),
        Use::PreviousCommit => {
            format!("previous_commit is {}", facts.old_commit.map_or_else(|| "none".to_owned(), ObjectId::short))
        }
        Use::Forced => forced(facts).map_or_else(String::new, |forced| format!("forced is {forced}")),
        Use::Paths if paths.paths.is_some() => format!("paths are {}", counted(paths.count(), "changed file")),
        Use::Tekton => match facts.tekton {
            Some(tekton) => format!("tekton.action is {}", tekton.estimated_action),
            None => String::new(),
        },
        Use::Paths => String::new(),
    };
    let values: Vec<String> = uses.iter().map(value).filter(|value| !value.is_empty()).collect();
    if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) }
}

/// An event of which everything is known.
pub(super) fn with_sample<T>(ask: impl FnOnce(&EventFacts<'_>) -> T) -> T {
    let resource = TektonResource {
        api_version: "tekton.dev/v1".to_owned(),
        kind: "Pipeline".to_owned(),
        name: "build".to_owned(),
        namespace: None,
        path: ".tekton/build.yaml".to_owned(),
        index: 0,
        is_valid: true,
        errors: Vec::new(),
        dependencies: Vec::new(),
    };
    let tekton = TektonFound {
        has_directory: true,
        total_files: 1,
        valid_files: 1,
        resources: vec![resource],
        estimated_action: TektonAction::Apply,
        ..TektonFound::default()
    };
    let paths = ChangedPaths { paths: vec![".tekton/build.yaml".to_owned()], is_complete: true };
    ask(&EventFacts {
        repository_full_name: "owner/name",
        repository_url: "https://github.com/owner/name",
        provider: Provider::Github,
        branch: "main",
        kind: BranchEventKind::BranchUpdated,
        old_commit: Some(ObjectId([1; 20])),
        new_commit: Some(ObjectId([2; 20])),
        is_forced: Some(false),
        paths: Some(&paths),
        tekton: Some(&tekton),
    })
}
