//! The builds of a tree as uses are counted, by numbers: of one evaluation after the other most is the same.

use std::sync::Arc;

use super::evaluate::{Evaluated, evaluate};
use super::{Build, Reach, Reading, Tables, Tree, Variables};

/// All builds of one tree, for those who do not ask which kinds are cluster-wide.
#[derive(Debug)]
pub(crate) struct Counted(Evaluated);

impl Counted {
    /// Evaluates a tree. `tables`: what was put together of variables before.
    pub fn of(tree: &Tree<'_>, tables: &mut Tables) -> Self {
        Self(evaluate(tree, Reading::Counted, tables))
    }

    /// The builds.
    pub fn take_builds(&mut self) -> Vec<Build> {
        std::mem::take(&mut self.0.builds)
    }

    /// All variables, by their numbers.
    pub fn variables(&self) -> &[Arc<Variables>] {
        &self.0.variables
    }

    /// All ways to reach something, by their numbers.
    pub fn reaches(&self) -> &[Reach] {
        &self.0.reached.reaches
    }

    /// How a file is reached: numbers of reaches, in the order of these.
    pub fn of_file(&self, number: usize) -> &[u32] {
        self.0.reached.files.of(number)
    }

    /// How a kustomization is walked: its generators and charts belong to each of these builds.
    pub fn of_kustomization(&self, number: usize) -> &[u32] {
        self.0.reached.kustomizations.of(number)
    }

    /// Whether the tree was too much to be evaluated: no file is reached then, and nothing is claimed.
    pub fn is_exhausted(&self) -> bool {
        self.0.exhausted
    }
}
