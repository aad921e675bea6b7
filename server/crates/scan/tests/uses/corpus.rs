//! Every figure, use, image, value and reference that an independent program found in real repositories.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use scan::uses::{ChartSources, Evaluator, Uses};
use serde_json::Value;

use crate::repository::{Repository, corpus};

#[test]
fn real_repositories_use_what_was_found_independently() -> Result<()> {
    let Some(corpus) = corpus() else { return Ok(()) };
    check(&corpus)
}

#[test]
fn a_repository_made_for_rare_rules_uses_what_was_read_line_by_line() -> Result<()> {
    let Some(corpus) = corpus() else { return Ok(()) };
    check(&corpus.join("made"))
}

fn check(folder: &Path) -> Result<()> {
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("uses.json"))?)?;
    let repositories = expected["repositories"].as_array().context("repositories")?;
    ensure!(!repositories.is_empty(), "{} names no repository", folder.display());
    let sources = Arc::new(ChartSources::built_in());
    let mut wrong = Vec::new();
    for expected in repositories {
        let name = expected["full_name"].as_str().context("full_name")?;
        let repository = Repository::open(&folder.join(format!("{}.bundle", name.replace('/', "__"))))?;
        let (commit, changes) = repository.head()?;
        let mut evaluator = Evaluator::new(Arc::clone(&sources));
        evaluator.apply(changes, &repository);
        let uses = Uses::of(&evaluator);
        let found = serde_json::to_value(uses.answer(commit))?;
        let before = wrong.len();
        compare(&found, expected, &mut wrong);
        wrong[before..].iter_mut().for_each(|line: &mut String| line.insert_str(0, &format!("{name}: ")));
        eprintln!("{name}: {} uses, {} differences", uses.charts.len(), wrong.len() - before);
    }
    let shown: Vec<&str> = wrong.iter().take(80).map(String::as_str).collect();
    ensure!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), shown.join("\n"));
    Ok(())
}

fn compare(found: &Value, expected: &Value, wrong: &mut Vec<String>) {
    if found["commit"] != expected["commit"] {
        wrong.push(format!("commit {} is not {}", found["commit"], expected["commit"]));
    }
    for (figure, expected) in expected["figures"].as_object().into_iter().flatten() {
        if found["figures"][figure] != *expected {
            wrong.push(format!("{figure}: expected {expected}, found {}", found["figures"][figure]));
        }
    }
    for list in ["charts", "partials", "images", "cycles"] {
        lists(list, &found[list], &expected[list], wrong);
    }
    if found["values"] != expected["values"] {
        lists("values", &found["values"]["top"], &expected["values"]["top"], wrong);
    }
    let mut cells: BTreeMap<Vec<&str>, u64> = BTreeMap::new();
    let mut dangling = Vec::new();
    for reference in found["references"].as_array().into_iter().flatten() {
        let text = |key: &str| reference[key].as_str().unwrap_or_default();
        let kind = |key: &str| text(key).split('/').next().unwrap_or_default();
        *cells.entry(vec![kind("from"), text("field"), kind("to"), text("status")]).or_default() += 1;
        if text("status") == "dangling" {
            dangling.push(reference.clone());
        }
    }
    let cell = |(mut cell, count): (Vec<&str>, u64)| {
        let mut values: Vec<Value> = cell.drain(..).map(Value::from).collect();
        values.push(count.into());
        Value::from(values)
    };
    let cells: Vec<Value> = cells.into_iter().map(cell).collect();
    lists("references", &Value::from(cells), &expected["references"]["cells"], wrong);
    lists("dangling", &Value::from(dangling), &expected["references"]["dangling"], wrong);
}

/// Compares lists in any order.
fn lists(name: &str, found: &Value, expected: &Value, wrong: &mut Vec<String>) {
    let texts = |list: &Value| -> Vec<String> {
        let mut texts: Vec<String> = list.as_array().into_iter().flatten().map(sorted).collect();
        texts.sort_unstable();
        texts
    };
    let (found, expected) = (texts(found), texts(expected));
    let missing = expected.iter().filter(|text| found.binary_search(text).is_err());
    wrong.extend(missing.map(|text| format!("{name}: expected {text}")));
    let further = found.iter().filter(|text| expected.binary_search(text).is_err());
    wrong.extend(further.map(|text| format!("{name}: found {text}")));
    if found.len() != expected.len() {
        wrong.push(format!("{name}: {} are not {}", found.len(), expected.len()));
    }
}

/// A value as text, its keys in order.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, String> = fields.iter().map(|(key, value)| (key, sorted(value))).collect();
            format!("{fields:?}")
        }
        value => value.to_string(),
    }
}
