//! What the variables stand for that a release's values name. The values stay as written, so that those of many can be counted.

use std::collections::BTreeMap;

use entity::credential::shown_address;
use entity::kind::ValueType;
use entity::view::variables_in;

use super::super::values::{Values, is_masked};
use super::super::ways::Way;
use super::Asker;

/// Variables that are told of one release, and the longest text that is told of one.
const MAX_VARIABLES: usize = 50;
const MAX_TEXT: usize = 200;

impl Asker<'_> {
    /// Names of variables with what a build puts in for them, as far as the repository says so. What must not be shown as a value
    /// must not be shown as that of a variable either.
    pub(super) fn variables(&self, way: &Way, literal: bool, values: &Values) -> BTreeMap<Box<str>, Box<str>> {
        let mut known = BTreeMap::new();
        let rules = self.tree.rules();
        let shown = values.leaves.iter().filter(|leaf| !leaf.masked && leaf.hidden.is_none());
        for name in shown.flat_map(|leaf| variables_in(&leaf.text)) {
            if known.len() >= MAX_VARIABLES {
                break;
            }
            if known.contains_key(name) {
                continue;
            }
            let written = format!("${{{name}}}");
            let text = way.put_into(&written, literal);
            let is_told = *text != *written && text.len() <= MAX_TEXT && *shown_address(&text) == *text;
            if is_told && !is_masked(name, ValueType::String, &text, rules) {
                known.insert(name.into(), text.as_ref().into());
            }
        }
        known
    }
}
