//! A condition against an event, cheap questions first, each answer with its reason.

use entity::address::Address;
use entity::kind::{BranchEventKind, ClauseKind};
use entity::view::Clause;

use super::{CompiledCondition, EventFacts, Judgement, MAX_PATHS, Needs};
use crate::target::{ToldGone, told_gone};
use crate::text::{counted, cut, listed};

/// Longest reason that a clause gives, in characters.
const MAX_WHY: usize = 500;

/// One clause's answer.
pub(super) struct Answer {
    pub(super) is_match: bool,
    pub(super) why: String,
    /// What was missing for another answer.
    pub(super) lacks: Needs,
}

impl Answer {
    pub(super) fn known(is_match: bool, why: String) -> Self {
        Self { is_match, why, lacks: Needs::default() }
    }

    pub(super) fn unknown(lacks: Needs, why: String) -> Self {
        Self { is_match: false, why, lacks }
    }
}

impl CompiledCondition {
    /// Holds the condition against an event. What is not known does not match, and is said to be unknown.
    #[must_use]
    pub fn judge(&self, facts: &EventFacts<'_>) -> Judgement {
        let mut judgement = Judgement { is_match: true, clauses: Vec::new(), lacks: Needs::default() };
        for kind in self.order() {
            let answer = match kind {
                ClauseKind::Event => self.event(facts),
                ClauseKind::Repository => self.repository(facts),
                ClauseKind::Branch => self.branch(facts),
                ClauseKind::Paths => self.paths(facts),
                ClauseKind::Tekton => self.tekton(facts),
                ClauseKind::Expression => self.expression.as_ref().map(|expression| expression.answer(facts)),
            };
            let Some(answer) = answer else { continue };
            judgement.is_match = answer.is_match;
            judgement.lacks = answer.lacks;
            judgement.clauses.push(Clause { kind, is_match: answer.is_match, why: cut(&answer.why, MAX_WHY) });
            if !answer.is_match {
                break;
            }
        }
        judgement
    }

    /// What refs answer comes first; an expression stands where what it asks for puts it.
    fn order(&self) -> [ClauseKind; 6] {
        let reads = self.expression.as_ref().is_some_and(|expression| expression.needs().any());
        let [first, second, third] = if reads {
            [ClauseKind::Paths, ClauseKind::Tekton, ClauseKind::Expression]
        } else {
            [ClauseKind::Expression, ClauseKind::Paths, ClauseKind::Tekton]
        };
        [ClauseKind::Event, ClauseKind::Repository, ClauseKind::Branch, first, second, third]
    }

    fn event(&self, facts: &EventFacts<'_>) -> Option<Answer> {
        let is_asked = self.events.is_empty() || self.events.contains(&facts.kind);
        if let Some(why) = self.why_not_gone().filter(|_| is_asked && facts.kind == BranchEventKind::BranchDeleted) {
            return Some(Answer::known(false, why));
        }
        if self.events.is_empty() {
            // What a commit brings is told of with the change that brought it: twice is what nobody asked for.
            let why = || "asked for changes of branches; tekton_detected has to be named".to_owned();
            return (facts.kind == BranchEventKind::TektonDetected).then(|| Answer::known(false, why()));
        }
        let asked: Vec<&str> = self.events.iter().map(|kind| kind.as_str()).collect();
        let why = format!("asked for {}; it is {}", listed(&asked, "or"), facts.kind);
        Some(Answer::known(is_asked, why))
    }

    /// Why the target is not told of a branch that is gone, where it is not.
    fn why_not_gone(&self) -> Option<String> {
        let kind = self.target?;
        let why = format!("a {kind} target starts from a commit; a branch that is gone has none");
        match told_gone(kind) {
            ToldGone::All => None,
            ToldGone::Named if self.events.contains(&BranchEventKind::BranchDeleted) => None,
            ToldGone::Named => Some(format!("{why}, so that branch_deleted has to be named")),
            ToldGone::None => Some(why),
        }
    }

    fn repository(&self, facts: &EventFacts<'_>) -> Option<Answer> {
        if self.repositories.is_empty() {
            return None;
        }
        let address = Address::read(facts.repository_url);
        let host = address.as_ref().map(Address::host).unwrap_or_default();
        let name = cut(facts.repository_full_name, 200);
        let found = self.repositories.iter().find(|p| entity::pattern::matches(p, host, facts.repository_full_name));
        Some(match found {
            Some(pattern) => Answer::known(true, format!("{name} matches {}", cut(pattern, 200))),
            None => Answer::known(false, format!("asked for {}; it is {name}", listed(&self.repositories, "or"))),
        })
    }

    fn branch(&self, facts: &EventFacts<'_>) -> Option<Answer> {
        let asked = cut(self.branches.text()?, 200);
        let branch = cut(facts.branch, 200);
        Some(if self.branches.matches(facts.branch) {
            Answer::known(true, format!("{branch} matches /{asked}/"))
        } else {
            Answer::known(false, format!("asked for a branch that matches /{asked}/; it is {branch}"))
        })
    }

    fn paths(&self, facts: &EventFacts<'_>) -> Option<Answer> {
        let patterns = self.paths.as_ref()?;
        let asked = listed(&patterns.patterns, "or");
        if is_gone(facts) {
            let why = format!("asked for a change of {asked}; the branch is gone, which changes no file");
            return Some(Answer::known(false, why));
        }
        let Some(changed) = facts.paths else {
            let why = format!("asked for a change of {asked}; which files changed is unknown");
            return Some(Answer::unknown(Needs { paths: true, tekton: false }, why));
        };
        let looked_at = &changed.paths[..changed.paths.len().min(MAX_PATHS)];
        for path in looked_at {
            if let Some(pattern) = patterns.matching(path) {
                return Some(Answer::known(true, format!("{} matches {}", cut(path, 200), cut(pattern, 200))));
            }
        }
        let files = counted(looked_at.len(), "changed file");
        Some(if changed.is_complete && looked_at.len() == changed.paths.len() {
            Answer::known(false, format!("asked for a change of {asked}; none of {files} matches"))
        } else {
            let why = format!("asked for a change of {asked}; none of the first {files} matches, the rest is unknown");
            Answer::unknown(changed.lacks(), why)
        })
    }

    fn tekton(&self, facts: &EventFacts<'_>) -> Option<Answer> {
        let asked = self.tekton?;
        let wish = if asked { "asked for Tekton's resources" } else { "asked for none of Tekton's resources" };
        if is_gone(facts) {
            return Some(Answer::known(!asked, format!("{wish}; the branch is gone and brings none")));
        }
        let Some(found) = facts.tekton else {
            let why = format!("{wish}; whether the commit brings any is unknown");
            return Some(Answer::unknown(Needs { paths: false, tekton: true }, why));
        };
        Some(Answer::known(found.is_usable() == asked, format!("{wish}; {}", described(found))))
    }
}

/// Whether nothing of a commit can be read, as there is none.
pub(super) fn is_gone(facts: &EventFacts<'_>) -> bool {
    facts.new_commit.is_none() || facts.kind == BranchEventKind::BranchDeleted
}

fn described(found: &entity::view::TektonFound) -> String {
    if !found.has_directory {
        return "the commit has no .tekton/".to_owned();
    }
    let kinds = crate::tekton::kinds(found);
    if !found.is_usable() {
        return match found.total_files as usize {
            0 => "nothing in .tekton/ can be used".to_owned(),
            files => format!("none of {} in .tekton/ can be used", counted(files, "file")),
        };
    }
    format!("the commit brings {} ({})", counted(found.resources.len(), "resource"), listed(&kinds, "and"))
}
