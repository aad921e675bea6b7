use entity::kind::{BranchEventKind, ClauseKind, Provider, TargetKind};
use entity::value::ObjectId;
use entity::view::{Condition, TektonFound};

use super::*;

fn facts() -> EventFacts<'static> {
    EventFacts {
        repository_full_name: "ada/home-ops",
        repository_url: "https://github.com/ada/home-ops",
        provider: Provider::Github,
        branch: "feature/größe",
        kind: BranchEventKind::BranchUpdated,
        old_commit: Some(ObjectId([1; 20])),
        new_commit: Some(ObjectId([2; 20])),
        is_forced: Some(false),
        paths: None,
        tekton: None,
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn full() -> Condition {
    Condition {
        repositories: owned(&["other/*", "github.com/ada/*"]),
        branches: Some("^feature/".to_owned()),
        events: vec![BranchEventKind::BranchUpdated, BranchEventKind::BranchCreated],
        paths: owned(&["clusters/**"]),
        tekton: Some(false),
        expression: Some("!forced".to_owned()),
    }
}

fn whys(judgement: &Judgement) -> Vec<String> {
    judgement.clauses.iter().map(|clause| format!("{} {}: {}", clause.kind, clause.is_match, clause.why)).collect()
}

#[test]
fn an_empty_condition_asks_nothing_and_matches_everything() {
    let empty = Condition { branches: Some(" ".to_owned()), expression: Some(String::new()), ..Condition::default() };
    let compiled = CompiledCondition::new(&empty).unwrap();
    assert_eq!(compiled.needs(), Needs::default());
    let judgement = compiled.judge(&facts());
    assert_eq!(judgement, Judgement { is_match: true, clauses: Vec::new(), lacks: Needs::default() });
}

#[test]
fn every_clause_says_what_was_asked_and_found() {
    let paths = ChangedPaths { paths: owned(&["docs/a.md", "clusters/prod/b.yaml"]), is_complete: true };
    let tekton = TektonFound::default();
    let known = EventFacts { paths: Some(&paths), tekton: Some(&tekton), ..facts() };
    let judgement = CompiledCondition::new(&full()).unwrap().judge(&known);
    assert!(judgement.is_match);
    assert_eq!(
        whys(&judgement),
        [
            "event true: asked for branch_created or branch_updated; it is branch_updated",
            "repository true: ada/home-ops matches github.com/ada/*",
            "branch true: feature/größe matches /^feature//",
            "paths true: clusters/prod/b.yaml matches clusters/**",
            "tekton true: asked for none of Tekton's resources; the commit has no .tekton/",
            "expression true: !forced is true: forced is false",
        ]
    );
}

#[test]
fn clauses_end_with_the_first_that_is_not_met() {
    let compiled = CompiledCondition::new(&full()).unwrap();
    let last = |facts: &EventFacts<'_>| {
        let judgement = compiled.judge(facts);
        assert!(!judgement.is_match);
        assert_eq!(judgement.clauses.iter().filter(|clause| !clause.is_match).count(), 1);
        (judgement.clauses.len(), whys(&judgement).pop().unwrap())
    };
    let gone = EventFacts { kind: BranchEventKind::BranchDeleted, new_commit: None, ..facts() };
    assert_eq!(
        last(&gone),
        (1, "event false: asked for branch_created or branch_updated; it is branch_deleted".to_owned())
    );
    let elsewhere = EventFacts { repository_url: "https://gitlab.com/ada/home-ops", ..facts() };
    let (_, why) = last(&elsewhere);
    assert_eq!(why, "repository false: asked for other/* or github.com/ada/*; it is ada/home-ops");
    let (count, why) = last(&EventFacts { branch: "main", ..facts() });
    assert_eq!((count, why.as_str()), (3, "branch false: asked for a branch that matches /^feature//; it is main"));
    let paths = ChangedPaths { paths: owned(&["docs/a.md"]), is_complete: true };
    let (_, why) = last(&EventFacts { paths: Some(&paths), ..facts() });
    assert_eq!(why, "paths false: asked for a change of clusters/**; none of 1 changed file matches");
    let paths = ChangedPaths { is_complete: false, ..paths };
    let (_, why) = last(&EventFacts { paths: Some(&paths), ..facts() });
    assert!(why.ends_with("none of the first 1 changed file matches, the rest is unknown"), "{why}");
    let lacks = |paths: &ChangedPaths| compiled.judge(&EventFacts { paths: Some(paths), ..facts() }).lacks;
    assert_eq!(lacks(&paths), Needs { paths: true, tekton: false }, "somebody else may know the rest");
    let many = ChangedPaths { paths: vec!["docs/a.md".to_owned(); MAX_PATHS + 1], is_complete: true };
    assert_eq!(lacks(&many), Needs::default(), "more are not looked at");
}

#[test]
fn what_is_not_known_is_said_and_does_not_match() {
    let compiled = CompiledCondition::new(&full()).unwrap();
    assert_eq!(compiled.needs(), Needs { paths: true, tekton: true });
    let judgement = compiled.judge(&facts());
    assert!(!judgement.is_match);
    assert_eq!(judgement.lacks, Needs { paths: true, tekton: false });
    let why = whys(&judgement).pop().unwrap();
    assert_eq!(why, "paths false: asked for a change of clusters/**; which files changed is unknown");
    let tekton = Condition { tekton: Some(true), ..Condition::default() };
    let judgement = CompiledCondition::new(&tekton).unwrap().judge(&facts());
    assert_eq!((judgement.is_match, judgement.lacks), (false, Needs { paths: false, tekton: true }));
    // A cheap clause that is not met leaves nothing to read.
    let judgement = compiled.judge(&EventFacts { branch: "main", ..facts() });
    assert_eq!(judgement.lacks, Needs::default());
}

#[test]
fn a_branch_that_is_gone_changes_no_file_and_brings_nothing() {
    let gone = EventFacts { kind: BranchEventKind::BranchDeleted, new_commit: None, ..facts() };
    let judge = |condition: Condition| CompiledCondition::new(&condition).unwrap().judge(&gone);
    let paths = judge(Condition { paths: owned(&["**"]), ..Condition::default() });
    assert_eq!((paths.is_match, paths.lacks), (false, Needs::default()));
    assert!(!judge(Condition { tekton: Some(true), ..Condition::default() }).is_match);
    assert!(judge(Condition { tekton: Some(false), ..Condition::default() }).is_match);
}

#[test]
fn an_expression_over_refs_is_asked_before_anything_is_read() {
    let condition = Condition { expression: Some("branch == 'main'".to_owned()), ..full() };
    let judgement = CompiledCondition::new(&condition).unwrap().judge(&facts());
    let kinds: Vec<ClauseKind> = judgement.clauses.iter().map(|clause| clause.kind).collect();
    assert_eq!(kinds, [ClauseKind::Event, ClauseKind::Repository, ClauseKind::Branch, ClauseKind::Expression]);
}

#[test]
fn reasons_are_bounded_however_long_the_names_are() {
    let name = "ä".repeat(5_000);
    let long = EventFacts { branch: &name, repository_full_name: &name, ..facts() };
    let condition = Condition {
        repositories: vec!["b".repeat(400); 100],
        branches: Some(format!("^{}", "c".repeat(400))),
        ..Condition::default()
    };
    for condition in [Condition { repositories: Vec::new(), ..condition.clone() }, condition] {
        let judgement = CompiledCondition::new(&condition).unwrap().judge(&long);
        assert!(judgement.clauses.iter().all(|clause| clause.why.chars().count() <= 501));
    }
}

#[test]
fn fields_that_cannot_be_used_are_named_with_how_to_mend_them() {
    let refused = |condition: Condition| CompiledCondition::new(&condition).unwrap_err().to_string();
    let branches = |text: &str| refused(Condition { branches: Some(text.to_owned()), ..Condition::default() });
    assert!(branches("(").starts_with("branches: the expression can't be read: unclosed group"), "{}", branches("("));
    assert!(branches("a(?!b)").contains("look-around"), "{}", branches("a(?!b)"));
    assert!(branches("(a{900}){900}").contains("repeats too much"), "{}", branches("(a{900}){900}"));
    let repositories = refused(Condition { repositories: owned(&["a/*", ""]), ..Condition::default() });
    assert_eq!(repositories, "repositories[1]: is empty; remove it, or write a pattern such as owner/*");
    let many = refused(Condition { repositories: vec!["a".to_owned(); 101], ..Condition::default() });
    assert_eq!(many, "repositories: has 101 patterns; at most 100 are allowed");
    let control = refused(Condition { paths: owned(&["a\u{7}b"]), ..Condition::default() });
    assert_eq!(control, "paths[0]: has a character that cannot be seen; write it anew");
}

#[test]
fn a_target_that_starts_something_from_a_commit_is_not_told_of_what_has_none() {
    use BranchEventKind::{BranchDeleted, BranchUpdated};
    let gone = EventFacts { kind: BranchDeleted, new_commit: None, ..facts() };
    let judge = |events: &[BranchEventKind], kind: TargetKind, facts: &EventFacts<'_>| {
        let condition = Condition { events: events.to_vec(), ..Condition::default() };
        CompiledCondition::new(&condition).unwrap().of_target(kind).judge(facts)
    };
    for kind in TargetKind::ALL.iter().copied() {
        let is_told = |events: &[BranchEventKind]| judge(events, kind, &gone).is_match;
        let starts_nothing = matches!(kind, TargetKind::Webhook | TargetKind::Flux | TargetKind::Command);
        let is_forge = matches!(kind, TargetKind::GithubDispatch | TargetKind::GitlabPipeline);
        assert_eq!((is_told(&[]), is_told(&[BranchDeleted])), (starts_nothing, !is_forge), "{kind}");
        assert!(judge(&[], kind, &facts()).is_match, "{kind}");
    }
    let why = |events: &[BranchEventKind], kind| whys(&judge(events, kind, &gone)).pop().unwrap();
    assert_eq!(
        why(&[], TargetKind::Tekton),
        "event false: a tekton target starts from a commit; a branch that is gone has none, so that branch_deleted has to be named"
    );
    assert_eq!(
        why(&[BranchDeleted], TargetKind::GitlabPipeline),
        "event false: a gitlab_pipeline target starts from a commit; a branch that is gone has none"
    );
    let elsewhere = "event false: asked for branch_updated; it is branch_deleted";
    assert_eq!(why(&[BranchUpdated], TargetKind::GithubDispatch), elsewhere, "nobody asked for it");
}
