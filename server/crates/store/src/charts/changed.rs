//! Which values of releases changed on the way from one version to another.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::sea_query::{Condition, ExprTrait as _};
use sea_orm::{EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::{ConnectionTrait, Result};
use entity::kind::ValueType;
use entity::table::{chart_value, value_path};

/// A release, and the commits on its line that left the one version and brought the other.
pub(super) type Way = (i64, i64, i64);

/// What a release sets at a path: as what, the text, and whether that must not be shown.
type Leaf = (ValueType, String, bool);

/// Ways that are asked for by one question.
const WAYS: usize = 100;

/// Paths of values that changed on these ways: with the commit, where it is one; where they are several, between the last state
/// before the first and that after the last.
pub(super) async fn changed_paths(c: &impl ConnectionTrait, ways: &[Way]) -> Result<HashMap<Way, Vec<String>>> {
    let (at_once, by_several): (Vec<Way>, Vec<Way>) =
        ways.iter().copied().partition(|(_, left, reached)| left == reached);
    let mut changed = HashMap::new();
    for ways in at_once.chunks(WAYS) {
        changed_at(c, ways, &mut changed).await?;
    }
    for ways in by_several.chunks(WAYS) {
        changed_between(c, ways, &mut changed).await?;
    }
    for paths in changed.values_mut() {
        paths.sort_unstable();
        paths.dedup();
    }
    Ok(changed)
}

async fn changed_at(c: &impl ConnectionTrait, ways: &[Way], changed: &mut HashMap<Way, Vec<String>>) -> Result<()> {
    use chart_value::Column::{FromSequence, ReleaseId, ToSequence};
    let wanted: HashSet<&Way> = ways.iter().collect();
    let at = ways.iter().fold(Condition::any(), |any, (release, sequence, _)| {
        let there = chart_value::COLUMN.from_sequence.eq(*sequence).or(chart_value::COLUMN.to_sequence.eq(*sequence));
        any.add(chart_value::COLUMN.release_id.eq(*release).and(there))
    });
    let values = chart_value::Entity::find().inner_join(value_path::Entity).filter(at).select_only();
    let values = values.columns([ReleaseId, FromSequence, ToSequence]).column(value_path::Column::Path);
    for (release, from, to, path) in values.into_tuple::<(i64, i64, Option<i64>, String)>().all(c).await? {
        for sequence in [Some(from), to].into_iter().flatten() {
            let way = (release, sequence, sequence);
            if wanted.contains(&way) {
                changed.entry(way).or_default().push(path.clone());
            }
        }
    }
    Ok(())
}

/// A value that came and went on the way has not changed, nor has one that was changed and changed back.
async fn changed_between(
    c: &impl ConnectionTrait,
    ways: &[Way],
    changed: &mut HashMap<Way, Vec<String>>,
) -> Result<()> {
    use chart_value::Column::{FromSequence, Kind, Masked, ReleaseId, Text, ToSequence};
    let mut of_release: HashMap<i64, Vec<Way>> = HashMap::new();
    for way in ways {
        of_release.entry(way.0).or_default().push(*way);
    }
    let between = ways.iter().fold(Condition::any(), |any, (release, left, reached)| {
        let began = chart_value::COLUMN.from_sequence.between(*left, *reached);
        let there = began.or(chart_value::COLUMN.to_sequence.between(*left, *reached));
        any.add(chart_value::COLUMN.release_id.eq(*release).and(there))
    });
    let values = chart_value::Entity::find().inner_join(value_path::Entity).filter(between).select_only();
    let values = values.columns([ReleaseId, FromSequence, ToSequence, Kind, Text, Masked]);
    let values = values.column(value_path::Column::Path);
    let values = values.into_tuple::<(i64, i64, Option<i64>, ValueType, String, bool, String)>().all(c).await?;
    // Of each path how many more of each value there are after than before.
    let mut more: BTreeMap<(Way, String), HashMap<Leaf, i64>> = BTreeMap::new();
    for (release, from, to, kind, text, masked, path) in values {
        for way in of_release.get(&release).into_iter().flatten() {
            let (_, left, reached) = *way;
            let before = from < left && to.is_none_or(|to| to >= left);
            let after = from <= reached && to.is_none_or(|to| to > reached);
            if before != after {
                let values = more.entry((*way, path.clone())).or_default();
                *values.entry((kind, text.clone(), masked)).or_default() += if after { 1 } else { -1 };
            }
        }
    }
    for ((way, path), values) in more {
        if values.values().any(|more| *more != 0) {
            changed.entry(way).or_default().push(path);
        }
    }
    Ok(())
}
