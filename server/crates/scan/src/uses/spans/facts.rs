//! What is stored of uses and images.

use std::collections::BTreeMap;
use std::sync::Arc;

use entity::input::{ChartUseFacts, ImageUseFacts, UsesBatch, ValueFacts};
use entity::kind::{ImagePlaceKind, ImageState};
use entity::value::clean;

use super::super::chart_use::ChartUse;
use super::super::evaluate::{Known, agreed};
use super::super::evaluator::Evaluator;
use super::super::facts::DocumentFacts;
use super::super::image::{FoundImage, ImagePlace};
use super::super::tree::Tree;
use super::super::values::Leaf;
use super::names::Names;

/// A use as it is stored.
pub fn of_use(one: &ChartUse, tree: &Tree, names: &mut Names, batch: &mut UsesBatch) -> ChartUseFacts {
    let (chart_id, source_id) = names.chart(one, batch);
    let text = |text: &Option<Box<str>>| text.as_deref().map(clean);
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    ChartUseFacts {
        chart_id,
        source_id,
        file_path: place_of(tree, &one.file, &one.document),
        document: clean(&one.document),
        part: one.part.map(|part| i32::try_from(part).unwrap_or(i32::MAX)),
        kind: one.kind,
        name: text(&one.name),
        release_name: text(&one.release),
        namespace: text(&one.namespace),
        chart_name: text(&one.chart),
        source_url: text(&one.source),
        // To those who read, a version that variables emptied is none.
        version: text(&one.version).filter(|version| !version.is_empty()),
        version_kind: one.version_kind,
        digest: text(&one.digest),
        how: one.how,
        reason: one.reason,
        by_name: one.by_name,
        rendered: one.rendered,
        values_resolved: count(one.values_from.resolved),
        values_missing: count(one.values_from.missing),
        values_secret: count(one.values_from.secret),
        variables: of_variables(&one.variables),
    }
}

fn of_variables(known: &Known) -> BTreeMap<String, String> {
    known.iter().map(|(name, text)| (clean(name), clean(text))).collect()
}

/// A leaf as it is stored.
pub fn of_leaf(leaf: &Leaf) -> ValueFacts {
    ValueFacts { kind: leaf.kind, text: clean(&leaf.text), masked: leaf.masked || leaf.hidden.is_some() }
}

/// An image in the values of a use.
pub fn of_value_image(
    image: &ImagePlace,
    release_id: i64,
    of: &ChartUseFacts,
    names: &mut Names,
    batch: &mut UsesBatch,
) -> ImageUseFacts {
    let facts = ImageUseFacts {
        release_id: Some(release_id),
        chart_id: of.chart_id,
        place: ImagePlaceKind::Values,
        // The use says where it stands; a file that is moved changes no image.
        file_path: String::new(),
        document: String::new(),
        kind: None,
        name: None,
        path: clean(&image.path),
        state: ImageState::Image,
        image_id: None,
        tag: None,
        digest: None,
        written: image.written.as_deref().map(clean),
        // Those of the release are told of all its values.
        variables: BTreeMap::new(),
    };
    with_image(facts, &image.image, names, batch)
}

/// Images of a file's documents themselves.
pub fn of_file(
    evaluator: &Evaluator,
    path: &str,
    images: Vec<(&str, &ImagePlace, bool)>,
    names: &mut Names,
    batch: &mut UsesBatch,
) -> Vec<ImageUseFacts> {
    let tree = evaluator.tree();
    let documents = tree.facts(path).map(|facts| facts.documents.as_slice()).unwrap_or_default();
    images
        .into_iter()
        .filter_map(|(number, image, replaced)| {
            let document = documents.iter().find(|document| *document.number == *number).filter(|_| !replaced);
            let text = |text: &Option<Arc<str>>| text.as_deref().map(clean);
            // What a kustomization puts in is there before the variables of its build are.
            let ways = if replaced { evaluator.ways.of_kustomization(path) } else { evaluator.ways.of_file(path) };
            let literal = document.is_some_and(|document| document.literal);
            let variables = image.written.as_deref().map(|written| agreed(ways, literal, written, tree.rules()));
            let facts = ImageUseFacts {
                release_id: None,
                chart_id: None,
                place: if replaced { ImagePlaceKind::Kustomize } else { ImagePlaceKind::Resource },
                file_path: document.map_or_else(|| clean(path), |document| place(path, document)),
                document: number.to_owned(),
                kind: document.map(|document| clean(&document.kind)),
                name: document.and_then(|document| text(&document.name)),
                path: clean(&image.path),
                state: ImageState::Image,
                image_id: None,
                tag: None,
                digest: None,
                written: image.written.as_deref().map(clean),
                variables: variables.as_ref().map(of_variables).unwrap_or_default(),
            };
            // Other kinds have fields of that name that change no chart's default.
            (image.image != FoundImage::WithoutRepository).then(|| with_image(facts, &image.image, names, batch))
        })
        .collect()
}

fn with_image(mut facts: ImageUseFacts, image: &FoundImage, names: &mut Names, batch: &mut UsesBatch) -> ImageUseFacts {
    facts.state = match image {
        FoundImage::Image(image) => {
            facts.image_id = Some(names.image(&image.repository, batch));
            facts.tag = image.tag.as_deref().map(clean);
            facts.digest = image.digest.as_deref().map(clean);
            ImageState::Image
        }
        FoundImage::Templated => ImageState::Templated,
        FoundImage::Invalid => ImageState::Invalid,
        FoundImage::WithoutRepository => ImageState::WithoutRepository,
    };
    facts
}

/// Where a document stands, as resources say it.
fn place_of(tree: &Tree, path: &str, number: &str) -> String {
    let documents = tree.facts(path).map(|facts| facts.documents.as_slice()).unwrap_or_default();
    let document = documents.iter().find(|document| *document.number == *number);
    document.map_or_else(|| clean(path), |document| place(path, document))
}

fn place(path: &str, document: &DocumentFacts) -> String {
    clean(&document.index.place(path))
}
