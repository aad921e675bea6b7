use std::time::{Duration, Instant};

use entity::kind::{BranchEventKind, Provider};
use entity::value::ObjectId;
use entity::view::TektonFound;

use super::*;

fn facts<'a>(paths: Option<&'a ChangedPaths>, tekton: Option<&'a TektonFound>) -> EventFacts<'a> {
    EventFacts {
        repository_full_name: "ada/home-ops",
        repository_url: "https://github.com/ada/home-ops",
        provider: Provider::Github,
        branch: "release/1.2",
        kind: BranchEventKind::BranchUpdated,
        old_commit: Some(ObjectId([0xab; 20])),
        new_commit: Some(ObjectId([0xcd; 20])),
        is_forced: Some(true),
        paths,
        tekton,
    }
}

fn changed(paths: &[&str]) -> ChangedPaths {
    ChangedPaths { paths: paths.iter().map(|path| (*path).to_owned()).collect(), is_complete: true }
}

fn is_true(text: &str, facts: &EventFacts<'_>) -> bool {
    Expression::new(text).unwrap_or_else(|error| panic!("{text}: {error}")).answer(facts).is_match
}

fn refusal(text: &str) -> String {
    Expression::new(text).map(|_| ()).expect_err(text).to_string()
}

#[test]
fn every_variable_is_what_the_event_says() {
    let paths = changed(&["clusters/prod/app.yaml", "docs/readme.md"]);
    let tekton = crate::detect_tekton(
        true,
        [(
            ".tekton/a.yaml",
            b"apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: a}\nspec: {steps: [{name: b}]}\n".as_slice(),
        )],
    );
    let facts = facts(Some(&paths), Some(&tekton));
    for text in [
        "repository.name == 'ada/home-ops'",
        "repository.url.startsWith(\"https://github.com/\") && repository.provider == 'github'",
        "branch == 'release/1.2' && event == 'branch_updated'",
        "branch.matches('^release/[0-9.]+$')",
        "matches(branch, 'lease')",
        "commit.startsWith('cdcd') && size(commit) == 40",
        "previous_commit.endsWith('abab') && commit != previous_commit",
        "forced",
        "paths.exists(p, p.startsWith('clusters/'))",
        "paths.all(p, !p.endsWith('.tf'))",
        "paths.filter(p, p.matches(r'\\.ya?ml$')).size() == 1",
        "paths.map(p, size(p)).exists_one(n, n == 14)",
        "'docs/readme.md' in paths",
        "size(paths) == 2",
        "tekton.found && tekton.action == 'apply' && 'Task' in tekton.kinds",
        "branch in ['main', 'release/1.2']",
        "forced ? branch != 'main' : true",
        "int('3') + 1 == 4 && string(4) == '4'",
    ] {
        assert!(is_true(text, &facts), "{text}");
    }
    for text in ["branch == 'main'", "!forced", "paths.exists(p, p == '')", "event == 'branch_deleted'"] {
        assert!(!is_true(text, &facts), "{text}");
    }
}

#[test]
fn answers_say_what_was_found() {
    let paths = changed(&["a"]);
    let facts = facts(Some(&paths), None);
    let why = |text: &str| Expression::new(text).unwrap().answer(&facts).why;
    assert_eq!(
        why("branch == 'main' && forced"),
        "branch == 'main' && forced is false: branch is release/1.2, forced is true"
    );
    assert_eq!(why("paths.exists(p, p == 'a')"), "paths.exists(p, p == 'a') is true: paths are 1 changed file");
    assert!(why("paths[7] == 'a'").starts_with("paths[7] == 'a' fails: "), "{}", why("paths[7] == 'a'"));
}

#[test]
fn what_is_not_known_does_not_match_unless_the_answer_hangs_on_other_things() {
    let facts = facts(None, None);
    let answer = |text: &str| Expression::new(text).unwrap().answer(&facts);
    let unknown = answer("paths.exists(p, true)");
    assert!(!unknown.is_match);
    assert_eq!(unknown.lacks, Needs { paths: true, tekton: false });
    assert_eq!(unknown.why, "paths.exists(p, true) is unknown, as which files changed is unknown");
    assert_eq!(answer("tekton.found").lacks, Needs { paths: false, tekton: true });
    let decided = answer("branch == 'main' && paths.exists(p, true)");
    assert_eq!((decided.is_match, decided.lacks), (false, Needs::default()));
    let decided = answer("tekton.found || branch != 'main'");
    assert_eq!((decided.is_match, decided.lacks), (true, Needs::default()));
    let forced = EventFacts { is_forced: None, ..facts };
    let unknown = Expression::new("!forced").unwrap().answer(&forced);
    assert_eq!((unknown.is_match, unknown.lacks.paths), (false, true));
    // One may be told without the other.
    let none = changed(&[]);
    let unknown = Expression::new("!forced").unwrap().answer(&EventFacts { paths: Some(&none), ..forced });
    assert_eq!((unknown.is_match, unknown.lacks.paths), (false, true));
}

#[test]
fn needs_follow_from_what_is_used() {
    let needs = |text: &str| Expression::new(text).unwrap().needs();
    assert_eq!(needs("branch == 'a'"), Needs::default());
    assert_eq!(needs("size(paths) > 1"), Needs { paths: true, tekton: false });
    assert_eq!(needs("tekton.found"), Needs { paths: false, tekton: true });
    assert_eq!(needs("forced"), Needs { paths: true, tekton: false });
    assert_eq!(needs("['a'].exists(paths, paths == branch)"), Needs::default());
}

#[test]
fn of_a_branch_that_is_gone_everything_is_known() {
    let gone =
        EventFacts { kind: BranchEventKind::BranchDeleted, new_commit: None, is_forced: None, ..facts(None, None) };
    assert!(is_true("size(paths) == 0 && !tekton.found && tekton.action == 'skip' && commit == '' && !forced", &gone));
}

#[test]
fn of_too_many_paths_only_what_more_of_them_cannot_change_is_known() {
    let mut paths = changed(&["clusters/a", "docs/b"]);
    paths.is_complete = false;
    let facts = facts(Some(&paths), None);
    let answer = |text: &str| Expression::new(text).unwrap().answer(&facts);
    for text in ["paths.exists(p, p.startsWith('clusters/'))", "forced && ('docs/b' in paths || size(paths) > 5)"] {
        let found = answer(text).is_match;
        assert_eq!(found, !text.contains("size"), "{text}");
    }
    for text in ["paths.all(p, p != 'x')", "!('x' in paths)", "size(paths) == 2", "paths.exists(p, p == 'x')"] {
        let answer = answer(text);
        assert!(!answer.is_match && answer.why.contains("unknown: the commit changed more files"), "{}", answer.why);
        assert_eq!(answer.lacks, Needs { paths: true, tekton: false }, "{text}: somebody else may know the rest");
    }
    let many = ChangedPaths { paths: vec!["a".repeat(400); 9_000], is_complete: true };
    let answer =
        Expression::new("paths.all(p, size(p) == 400)").unwrap().answer(&EventFacts { paths: Some(&many), ..facts });
    assert!(!answer.is_match && answer.why.contains("the first 2621"), "{}", answer.why);
    assert_eq!(answer.lacks, Needs::default(), "more are not looked at");
}

#[test]
fn mistakes_are_named_with_their_column_and_how_to_mend_them() {
    for (text, expected) in [
        ("branch == ", "expression: column "),
        ("branch = 'a'", "expression: column "),
        ("brunch == 'a'", "expression: column 1: there is no brunch; there are branch, event, repository"),
        ("branch == 'ä' && brunch == 'a'", "expression: column 18: there is no brunch"),
        ("forced &&\n  paths.exists(p, q == p)", "expression: line 2, column 19: there is no q"),
        ("repository == 'a'", "column 1: repository has fields (name, url, provider); write repository.name"),
        ("repository.owner == 'a'", "repository has no field owner; it has name, url, provider"),
        ("branch.name == 'a'", "branch has no field name"),
        ("branch.lowerAscii() == 'a'", "lowerAscii is not known here; there are size"),
        ("exists(paths, p)", "exists is called on a list"),
        ("paths.exists(p, paths.exists(q, p == q))", "loops cannot stand within loops"),
        ("paths.exists(p, p in paths)", "paths cannot be used within a loop"),
        ("paths.exists(p, [p, p] == [p])", "a list within a loop may hold texts and numbers only"),
        ("branch.matches(commit)", "matches takes a pattern in quotes"),
        ("branch.matches('(')", "matches: the expression can't be read: unclosed group"),
        ("branch.matches('(?=a)')", "look-around"),
        ("branch.matches('(a{1000}){1000}')", "matches: the expression repeats too much"),
        ("{'a': 1}.size() == 1", "maps are not known here"),
        ("b'a' == b'a'", "bytes are not known here"),
        ("branch", "has to give true or false; it gives a text"),
        ("size(paths)", "has to give true or false; it gives a number"),
        ("branch > 1", "compares or combines what does not fit together"),
        ("branch + 1 == 'a'", "compares or combines what does not fit together"),
        ("branch.?name == 'a'", "column"),
    ] {
        let found = refusal(text);
        assert!(found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn loops_sums_and_lengths_are_counted() {
    let loops = |count| vec!["paths.exists(p, true)"; count].join(" && ");
    assert!(Expression::new(&loops(4)).is_ok());
    assert!(refusal(&loops(5)).contains("at most 4 loops"), "{}", refusal(&loops(5)));
    let sums = |count| format!("size(branch){} > 0", " + 1".repeat(count));
    assert!(Expression::new(&sums(8)).is_ok());
    assert!(refusal(&sums(9)).contains("at most 8 sums"), "{}", refusal(&sums(9)));
    let long = format!("branch == '{}'", "a".repeat(2_000));
    assert!(refusal(&long).contains("at most 2000 are allowed"), "{}", refusal(&long));
    let used = ["'a' in paths"; 9].join(" || ");
    assert!(refusal(&used).contains("paths may be used 8 times"), "{}", refusal(&used));
    let patterns: Vec<String> = (0..9).map(|n| format!("branch.matches('{n}')")).collect();
    assert!(refusal(&patterns.join(" || ")).contains("at most 8 patterns"));
    for deep in ["(".repeat(900), "!".repeat(1_900), "-".repeat(1_900), "[".repeat(1_900), "a.b".repeat(500)] {
        assert!(!refusal(&deep).is_empty());
    }
    for deep in [format!("size(branch){} == 0", " - 1".repeat(450)), format!("branch{}", ".a".repeat(900))] {
        assert!(!refusal(&deep).is_empty());
    }
}

/// What takes longest of what may be written, over as many and as long paths as are looked at.
#[test]
fn the_worst_that_may_be_written_ends_soon() {
    let paths = ChangedPaths { paths: vec![format!("{}b", "a".repeat(99)); 10_000], is_complete: true };
    let facts = facts(Some(&paths), None);
    let words: Vec<String> = (0..150).map(|n| format!("'{n}'")).collect();
    for text in [
        "paths.map(p, p + p + p).map(p, p + p + p).map(p, p + p + p).all(p, size(p) > 0)",
        "(paths + paths + paths + paths + paths + paths + paths + paths).map(p, p).filter(p, true).all(p, p != '')",
        "paths.exists(p, p.matches('^(a?){60}a{60}c$') || p.matches('(a|aa)+c$') || p.matches('(.*a.*){8}c'))",
        &format!("paths.all(p, !(p in [{}])) && size(paths) > 0", words.join(", ")),
        "[paths, paths, paths, paths].map(l, l + l).map(l, l + l).all(l, size(l) > 0)",
        "paths + paths + paths == paths + paths + paths && paths.all(p, p == p)",
    ] {
        let started = Instant::now();
        let expression = Expression::new(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let why = expression.answer(&facts).why;
        assert!(why.contains(" is true") || why.contains(" is false"), "{why}");
        assert!(started.elapsed() < Duration::from_mins(1), "{text} took {:?}", started.elapsed());
    }
}

/// Texts that are nearly expressions: all are read or refused, none takes the program down.
#[test]
fn whatever_is_written_is_read_or_refused() {
    const PARTS: [&str; 34] = [
        "branch",
        "paths",
        "tekton",
        "repository",
        ".",
        "exists",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "p",
        ",",
        "'a'",
        "\"",
        "==",
        "&&",
        "||",
        "!",
        "-",
        "+",
        "?",
        ":",
        "1",
        "0x",
        "1e999",
        "\\",
        "ü",
        "\n",
        " ",
        "in",
        "has",
        "r'",
    ];
    let mut seed = 7_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap()
    };
    let paths = changed(&["a"]);
    let facts = facts(Some(&paths), None);
    let mut read = 0;
    for _ in 0..1_500 {
        let text: String = (0..=next() % 12).map(|_| PARTS[next() % PARTS.len()]).collect();
        match Expression::new(&text) {
            Ok(expression) => {
                read += 1;
                assert!(!expression.answer(&facts).why.is_empty());
            }
            Err(error) => assert!(error.to_string().starts_with("expression: "), "{error}"),
        }
    }
    assert!(read < 1_500);
}
