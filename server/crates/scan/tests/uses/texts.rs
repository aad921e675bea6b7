//! Trees of a few texts.

use std::sync::Arc;

use entity::input::ObjectId;
use scan::uses::{Blobs, Change, ChartSources, ChartUse, Evaluator, FileFacts, Uses};
use yaml::Limits;

/// Files by path; a blob's id is its number.
#[derive(Default)]
pub struct Texts(Vec<String>);

impl Texts {
    /// The change that puts a text at a path.
    pub fn put(&mut self, path: &str, text: &str) -> Change {
        let mut id = [0; 20];
        id[..8].copy_from_slice(&(self.0.len() as u64).to_be_bytes());
        self.0.push(text.to_owned());
        let facts = FileFacts::are_of(path)
            .then(|| Arc::new(FileFacts::read(text.as_bytes(), &Limits::default())).at_path(path));
        Change { path: path.into(), after: Some((ObjectId(id), facts)) }
    }
}

impl Blobs for Texts {
    fn read(&self, id: ObjectId) -> Option<Vec<u8>> {
        let mut number = [0; 8];
        number.copy_from_slice(&id.0[..8]);
        self.0.get(usize::try_from(u64::from_be_bytes(number)).ok()?).map(|text| text.clone().into_bytes())
    }
}

/// A tree of these files.
pub fn tree(files: &[(&str, &str)]) -> Evaluator {
    let mut texts = Texts::default();
    let changes = files.iter().map(|(path, text)| texts.put(path, text)).collect();
    let mut evaluator = Evaluator::new(Arc::new(ChartSources::built_in()));
    evaluator.apply(changes, &texts);
    evaluator
}

/// Its uses of charts.
pub fn charts(files: &[(&str, &str)]) -> Vec<Arc<ChartUse>> {
    Uses::of(&tree(files)).charts
}

/// Each use as `namespace/name key version`, with the reason where it is unresolved.
pub fn places(files: &[(&str, &str)]) -> Vec<String> {
    let place = |one: &Arc<ChartUse>| {
        let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or("-").to_owned();
        let reason = one.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{}/{} {} {}{reason}", text(&one.namespace), text(&one.name), text(&one.key), text(&one.version))
    };
    charts(files).iter().map(place).collect()
}

/// The leaves of the only use, as `path=text`.
pub fn values(files: &[(&str, &str)]) -> Vec<String> {
    let charts = charts(files);
    assert_eq!(charts.len(), 1, "one use");
    charts[0].values.leaves.iter().map(|leaf| format!("{}={}", leaf.path, leaf.text)).collect()
}

/// References as `from field to status`.
pub fn references(files: &[(&str, &str)]) -> Vec<String> {
    let evaluator = tree(files);
    let uses = Uses::of(&evaluator);
    let line = |one: &&scan::uses::Reference| format!("{} {} {} {}", one.from, one.field, one.to, one.status);
    let mut lines: Vec<String> = uses.references.iter().map(line).collect();
    lines.sort();
    lines
}
