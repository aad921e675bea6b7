//! Tables of variables. Most builds take theirs from the same documents in one evaluation after the other: each is put together once.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::variables::Variables;
use super::{FastMap, FastSet};

/// Variables that a document says, told apart by where they are in memory; they stay there as long as a table is kept.
#[derive(Clone, Debug)]
pub(crate) struct Layer(pub Arc<Variables>);

impl PartialEq for Layer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Layer {}

impl Hash for Layer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

#[derive(Debug)]
struct Table {
    variables: Arc<Variables>,
    /// When it was asked for last.
    round: u64,
}

/// Tables that were put together, each content once.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    by_layers: FastMap<Vec<Layer>, Table>,
    contents: FastSet<Arc<Variables>>,
    round: u64,
}

impl Tables {
    /// Layers as one table, later ones over earlier ones.
    pub fn of(&mut self, layers: Vec<Layer>) -> Arc<Variables> {
        if let Some(table) = self.by_layers.get_mut(&layers) {
            table.round = self.round;
            return Arc::clone(&table.variables);
        }
        let mut variables = Variables::default();
        for Layer(layer) in &layers {
            variables.extend(layer);
        }
        let known = self.contents.get(&variables).cloned();
        let variables = known.unwrap_or_else(|| {
            let new = Arc::new(variables);
            self.contents.insert(Arc::clone(&new));
            new
        });
        self.by_layers.insert(layers, Table { variables: Arc::clone(&variables), round: self.round });
        variables
    }

    /// Forgets what was not asked for since this was called last.
    pub fn forget_unused(&mut self) {
        self.by_layers.retain(|_, table| table.round == self.round);
        self.contents.retain(|variables| Arc::strong_count(variables) > 1);
        self.round += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yaml::{Limits, parse};

    fn layer(text: &str) -> Layer {
        let documents = parse(text.as_bytes(), &Limits::default()).unwrap();
        Layer(Arc::new(Variables::read(Some(documents[0].root()))))
    }

    #[test]
    fn tables_are_one_where_their_content_is_and_are_forgotten_where_nobody_asks() {
        let (low, high, same) = (layer("{a: one, b: two}"), layer("{b: three}"), layer("{a: one, b: three}"));
        let mut tables = Tables::default();
        let first = tables.of(vec![low.clone(), high.clone()]);
        assert_eq!(first.put_into("${a} ${b}").as_deref(), Some("one three"));
        assert!(Arc::ptr_eq(&first, &tables.of(vec![low.clone(), high.clone()])));
        assert!(Arc::ptr_eq(&first, &tables.of(vec![same])));
        assert_eq!(tables.of(vec![high.clone(), low.clone()]).put_into("${b}").as_deref(), Some("two"));
        tables.forget_unused();
        tables.of(vec![low, high]);
        drop(first);
        tables.forget_unused();
        assert_eq!((tables.by_layers.len(), tables.contents.len()), (1, 1));
        tables.forget_unused();
        assert_eq!((tables.by_layers.len(), tables.contents.len()), (0, 0));
    }
}
