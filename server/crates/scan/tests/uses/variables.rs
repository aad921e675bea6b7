//! What variables stand for in images and values, how long, and where nothing is told.

use std::sync::Arc;

use entity::input::{ObjectId, UsesBatch};
use entity::kind::ImagePlaceKind;
use scan::uses::{ChartSources, Evaluator, NothingKnown, TrackedCommit, Tracker};

use crate::texts::Texts;

const WRITTEN: &str = "ghcr.io/me/web:${VERSION}";
const RELEASE: &str = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: shop}\nspec:\n  \
    chart: {spec: {chart: web, version: 1.0.0, sourceRef: {kind: HelmRepository, name: charts}}}\n  values:\n    \
    image: {repository: ghcr.io/me/web, tag: '${VERSION}'}\n";

/// What commits begin and end; each puts files at paths.
fn follow(commits: &[&[(&str, &str)]]) -> UsesBatch {
    let mut texts = Texts::default();
    let mut evaluator = Evaluator::new(Arc::new(ChartSources::built_in()));
    let mut tracker = Tracker::new(b"repository");
    for (sequence, files) in (0..).zip(commits) {
        let changes = files.iter().map(|(path, text)| texts.put(path, text)).collect();
        let delta = evaluator.apply(changes, &texts);
        let commit = TrackedCommit { id: ObjectId([0; 20]), sequence, time: sequence };
        let Ok(()) = tracker.follow(commit, delta, &evaluator, &mut NothingKnown);
    }
    tracker.take_batch()
}

/// Each image in which variables stand as `from..to written name=text`, in order.
fn images(commits: &[&[(&str, &str)]]) -> Vec<String> {
    let batch = follow(commits);
    let written = batch.image_uses.iter().filter_map(|one| Some((one, one.facts.written.as_deref()?)));
    let mut lines: Vec<String> = written
        .map(|(one, written)| {
            let to = one.span.to.map_or_else(String::new, |to| to.sequence.to_string());
            let known: String = one.facts.variables.iter().map(|(name, text)| format!(" {name}={text}")).collect();
            format!("{}..{to} {written}{known}", one.span.from.sequence)
        })
        .collect();
    lines.sort();
    lines
}

fn web(annotations: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop, annotations: {annotations}}}\nspec:\n  \
         template:\n    spec:\n      containers:\n        - {{name: side, image: 'nginx:1'}}\n        - {{name: web, image: '{image}'}}\n"
    )
}

/// What builds `apps` with variables.
fn build(name: &str, variables: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux}}\n\
         spec: {{path: ./apps, sourceRef: {{kind: GitRepository, name: home}}, postBuild: {{substitute: {variables}}}}}\n"
    )
}

#[test]
fn an_image_of_a_resource_says_what_it_stands_for_until_that_changes() {
    let web = web("{}", WRITTEN);
    let states =
        ["{VERSION: 1.2.3, OTHER: a}", "{VERSION: 1.2.3, OTHER: b}", "{VERSION: 1.2.4}"].map(|all| build("one", all));
    let commits: [&[(&str, &str)]; 3] = [
        &[("apps/web.yaml", &web), ("flux.yaml", &states[0])],
        &[("flux.yaml", &states[1])],
        &[("flux.yaml", &states[2])],
    ];
    let (before, after) = (format!("0..2 {WRITTEN} VERSION=1.2.3"), format!("2.. {WRITTEN} VERSION=1.2.4"));
    assert_eq!(images(&commits), [before, after]);
    assert_eq!(images(&[&[("apps/web.yaml", &web)]]), [format!("0.. {WRITTEN}")]);
}

#[test]
fn nothing_is_told_where_builds_disagree() {
    let web = web("{}", WRITTEN);
    let told = |others: &[&str]| {
        let builds: Vec<String> = others.iter().map(|variables| build("other", variables)).collect();
        let first = build("one", "{VERSION: 1.2.3}");
        let mut files =
            vec![("apps/web.yaml", web.as_str()), ("apps/release.yaml", RELEASE), ("a.yaml", first.as_str())];
        files.extend(["b.yaml", "c.yaml"].into_iter().zip(builds.iter().map(String::as_str)));
        let batch = follow(&[&files]);
        let [release] = batch.uses.as_slice() else { panic!("not one use: {:?}", batch.uses) };
        let mut images = batch.image_uses.iter().map(|one| &one.facts);
        let own = images.find(|one| one.place == ImagePlaceKind::Resource && one.written.as_deref() == Some(WRITTEN));
        let (own, of_release) = (&own.expect("the image of the Deployment").variables, &release.facts.variables);
        assert_eq!(own, of_release, "images are told by the rule of values");
        own.get("VERSION").cloned()
    };
    assert_eq!(told(&[]).as_deref(), Some("1.2.3"));
    assert_eq!(told(&["{VERSION: 1.2.3}"]).as_deref(), Some("1.2.3"));
    assert_eq!(told(&["{VERSION: 1.2.4}"]), None);
    assert_eq!(told(&["{OTHER: 1.2.3}"]), None);
    assert_eq!(told(&["{VERSION: 1.2.4}", "{VERSION: 1.2.3}"]), None);
}

#[test]
fn what_must_not_be_shown_is_not_told_of_an_image_either() {
    let one = build("one", "{VERSION: '2', TOKEN: hunter2, HOST: 'me:hunter2@example.org', MAIL: me@example.org}");
    let with = |annotations: &str, image: &str| {
        let web = web(annotations, image);
        images(&[&[("apps/web.yaml", &web), ("flux.yaml", &one)]])
    };
    let all = "${HOST}/${TOKEN}/${MAIL}/web:${VERSION}";
    assert_eq!(with("{}", all), [format!("0.. {all} VERSION=2")]);
    assert_eq!(with("{kustomize.toolkit.fluxcd.io/substitute: disabled}", WRITTEN), [format!("0.. {WRITTEN}")]);
    assert!(with("{}", "me:hunter2@example.org/web:${VERSION}").is_empty());
}

#[test]
fn an_image_that_a_kustomization_puts_in_has_the_variables_of_its_build() {
    let kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n\
        images: [{name: web, newName: ghcr.io/me/web, newTag: '${VERSION}'}]\n";
    let one = build("one", "{VERSION: 1.2.3}");
    let files = [("apps/kustomization.yaml", kustomization), ("flux.yaml", one.as_str())];
    assert_eq!(images(&[&files]), [format!("0.. {WRITTEN} VERSION=1.2.3")]);
}

#[test]
fn an_image_in_values_says_how_it_is_written_and_its_release_what_that_stands_for() {
    let states = ["{VERSION: 1.2.3}", "{VERSION: 1.2.4}"].map(|all| build("one", all));
    let batch = follow(&[&[("apps/web.yaml", RELEASE), ("flux.yaml", &states[0])], &[("flux.yaml", &states[1])]]);
    let told = batch.uses.iter().map(|one| (one.span.from.sequence, one.facts.variables["VERSION"].as_str()));
    assert_eq!(told.collect::<Vec<_>>(), [(0, "1.2.3"), (1, "1.2.4")]);
    let [image] = batch.image_uses.as_slice() else { panic!("not one image: {:?}", batch.image_uses) };
    assert_eq!((image.facts.written.as_deref(), image.span.to), (Some(WRITTEN), None));
    assert!(image.facts.variables.is_empty());
}
