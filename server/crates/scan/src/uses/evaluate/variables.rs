//! What the variables stand for that values and images name. The texts stay as written, so that those of many can be counted.

use std::collections::BTreeMap;

use entity::credential::shown_address;
use entity::kind::ValueType;
use entity::view::variables_in;

use super::super::values::{Values, is_masked};
use super::super::ways::Way;
use super::Asker;
use crate::mask::Rules;

/// Variables that are told of one release or image, and the longest text that is told of one.
const MAX_VARIABLES: usize = 50;
const MAX_TEXT: usize = 200;
/// Builds of one file that are asked whether they agree; of what more of them reach nothing is told.
const MAX_BUILDS: usize = 500;

/// Texts by the names of the variables that stand for them.
pub type Known = BTreeMap<Box<str>, Box<str>>;

impl Asker<'_> {
    /// Names of variables in values with what a build puts in for them.
    pub(super) fn variables(&self, way: &Way, literal: bool, values: &Values) -> Known {
        let shown = values.leaves.iter().filter(|leaf| !leaf.masked && leaf.hidden.is_none());
        known(way, literal, shown.map(|leaf| &*leaf.text), self.tree.rules())
    }
}

/// Names of variables in texts with what a build puts in for them, as far as the repository says so. What must not be shown as a value
/// must not be shown as that of a variable either.
fn known<'t>(way: &Way, literal: bool, texts: impl Iterator<Item = &'t str>, rules: &Rules) -> Known {
    let mut known = Known::new();
    for name in texts.flat_map(variables_in) {
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

/// Forgets what another build of the same says otherwise, or does not say.
pub fn agree(known: &mut Known, other: &Known) {
    known.retain(|name, text| other.get(name) == Some(text));
}

/// The variables of a text in a file that these builds reach, as far as all of them agree. The text is read for the first alone: the
/// others are asked for what that told.
pub fn agreed(ways: &[Way], literal: bool, text: &str, rules: &Rules) -> Known {
    let Some((first, others)) = ways.split_first().filter(|_| ways.len() <= MAX_BUILDS) else { return Known::new() };
    let mut agreed = known(first, literal, std::iter::once(text), rules);
    for way in others {
        if agreed.is_empty() {
            break;
        }
        agreed.retain(|name, text| *way.put_into(&format!("${{{name}}}"), literal) == **text);
    }
    agreed
}
