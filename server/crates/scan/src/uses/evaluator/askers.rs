//! Who asked for what.

use std::collections::BTreeSet;

use super::super::index::Key;
use super::UnitId;
use crate::build::FastMap;

/// Units by what they asked for.
pub(super) type Askers = FastMap<Key, BTreeSet<UnitId>>;

/// Units, and those that asked for what changed.
pub(super) fn with_askers(units: &BTreeSet<UnitId>, askers: &Askers, dirty: &BTreeSet<Key>) -> BTreeSet<UnitId> {
    let mut all = units.clone();
    all.extend(dirty.iter().filter_map(|key| askers.get(key)).flatten().cloned());
    all
}

/// Forgets what a unit asked for.
pub(super) fn forget(askers: &mut Askers, asked: &BTreeSet<Key>, id: &UnitId) {
    for key in asked {
        if let Some(units) = askers.get_mut(key) {
            units.remove(id);
            if units.is_empty() {
                askers.remove(key);
            }
        }
    }
}

/// Puts what a unit asks for now in the place of what it asked for before.
pub(super) fn replace_askers(askers: &mut Askers, old: &mut BTreeSet<Key>, new: BTreeSet<Key>, id: &UnitId) {
    if *old == new {
        return;
    }
    forget(askers, old, id);
    for key in &new {
        askers.entry(key.clone()).or_default().insert(id.clone());
    }
    *old = new;
}
