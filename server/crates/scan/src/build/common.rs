//! What both rounds of an evaluation share.

use std::sync::Arc;

use super::Reading;
use super::flux::{FluxKustomization, Serves};
use super::passages::Places;
use super::tree::{Entry, Placed, Tree};
use super::variables::Variables;

/// A list for each file that holds Flux Kustomizations: its number by that of the file, counted from 1, and how many there are.
pub(super) fn lists(tree: &Tree<'_>, files: &[Option<usize>]) -> (Vec<u32>, usize) {
    let mut list_of = vec![0; tree.file_count()];
    let mut lists = 0;
    for file in files.iter().flatten() {
        if list_of[*file] == 0 {
            lists += 1;
            list_of[*file] = lists;
        }
    }
    (list_of, lists as usize)
}

/// Whether another kustomization includes one, by its number.
pub(super) fn included(tree: &Tree<'_>) -> Vec<bool> {
    let mut included = vec![false; tree.kustomizations().len()];
    for one in tree.kustomizations() {
        for named in one.resources.iter().chain(&one.components) {
            if let Some(Entry::Kustomization(number)) = tree.at(*named) {
                included[number] = true;
            }
        }
    }
    included
}

/// What both rounds share.
pub(super) struct Common<'a, 't> {
    pub tree: &'a Tree<'t>,
    pub reading: Reading,
    pub flux: &'a [Placed<'t, FluxKustomization>],
    /// The file of each.
    pub files: &'a [Option<usize>],
    pub places: &'a Places<'a>,
    pub served: &'a [Serves],
    pub tables: &'a [Arc<Variables>],
    /// The variables of each Flux Kustomization's build.
    pub table_of: &'a [Option<usize>],
    pub included: &'a [bool],
}

impl Common<'_, '_> {
    pub fn all(&self) -> Vec<usize> {
        (0..self.flux.len()).collect()
    }

    /// The list of a Flux Kustomization's file.
    pub fn list(&self, at: usize) -> Option<usize> {
        (self.places.list_of[self.files[at]?] as usize).checked_sub(1)
    }
}
