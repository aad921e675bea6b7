//! Every figure, use, image, value and reference that an independent program found in real repositories.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use scan::uses::{ChartSources, ChartUse, Evaluator, Uses, statistics};
use serde_json::{Value, json};

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
    let mut together = Together::default();
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
        together.add(name, &uses);
    }
    lists("charts of all", &Value::from(together.charts()), &expected["charts"], &mut wrong);
    lists("images of all", &Value::from(together.images()), &expected["images"], &mut wrong);
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

/// What all repositories use together.
#[derive(Default)]
struct Together {
    groups: BTreeMap<String, Vec<(String, Arc<ChartUse>)>>,
    images: BTreeMap<String, (usize, usize, BTreeMap<String, usize>)>,
}

impl Together {
    fn add(&mut self, repository: &str, uses: &Uses<'_>) {
        for one in &uses.charts {
            if let Some(group) = &one.group {
                self.groups.entry(group.to_string()).or_default().push((repository.to_owned(), Arc::clone(one)));
            }
        }
        for image in uses.images() {
            let (repositories, places, tags) = self.images.entry(image.image).or_default();
            *repositories += 1;
            *places += image.places;
            for (tag, count) in image.tags {
                *tags.entry(tag).or_default() += count;
            }
        }
    }

    fn charts(&self) -> Vec<Value> {
        let chart = |(group, uses): (&String, &Vec<(String, Arc<ChartUse>)>)| {
            let repositories: BTreeSet<&String> = uses.iter().map(|(repository, _)| repository).collect();
            let names: BTreeSet<&Option<Box<str>>> = uses.iter().map(|(_, one)| &one.name).collect();
            let text = |of: fn(&ChartUse) -> &Option<Box<str>>| -> Vec<&str> {
                uses.iter().map(|(_, one)| of(one).as_deref().unwrap_or_default()).collect()
            };
            let limit = if uses.len() > 1 { 30 } else { 0 };
            let (values, paths) = statistics(uses.iter().map(|(_, one)| one.values.as_ref()), limit);
            json!({
                "group": group, "repos": repositories, "uses": uses.len(), "releases": names.len(),
                "keys": count(text(|one| &one.key)), "versions": count(text(|one| &one.version)),
                "value_paths": paths, "values": values,
            })
        };
        self.groups.iter().map(chart).collect()
    }

    fn images(&self) -> Vec<Value> {
        let image = |(image, (repositories, places, tags)): (&String, &(usize, usize, BTreeMap<String, usize>))| json!({"image": image, "repos": repositories, "places": places, "tags": tags});
        self.images.iter().map(image).collect()
    }
}

fn count(names: Vec<&str>) -> BTreeMap<&str, usize> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    names.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}
