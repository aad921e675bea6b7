//! Other charts that a repository has to have as well: any may be named in a field, and those that are chosen are chips.

use entity::view::ChartNeighbour;
use leptos::prelude::*;

use crate::components::{Chip, TextField, number_text};

/// The other charts that are asked for.
pub(super) struct Also {
    /// What is used together with the chart, to choose from.
    pub together: Vec<ChartNeighbour>,
    /// Ids and keys of those that are chosen.
    pub chosen: Vec<(i64, String)>,
    /// What was typed last.
    pub typed: Option<String>,
}

impl Also {
    /// A field that takes the name of any chart, or its key, and offers those that are used together with this one.
    pub(super) fn field(&self) -> AnyView {
        let left = self.together.iter().filter(|one| self.chosen.iter().all(|(_, key)| *key != one.key));
        let option = |one: &ChartNeighbour| {
            let label = format!("{} ({})", one.name, number_text(one.repositories));
            view! { <option value=one.key.clone() label=label></option> }
        };
        let options = left.map(option).collect_view();
        view! {
            <TextField
                name="also"
                label="Also has the chart"
                placeholder="Also has the chart"
                search=true
                list="charts-beside"
                value=self.typed.clone()
            />
            <datalist id="charts-beside">{options}</datalist>
        }
        .into_any()
    }
}

/// A chip for each chart that is chosen.
pub(super) fn chips(chosen: &[(i64, String)]) -> impl Iterator<Item = Chip> {
    chosen.iter().enumerate().map(|(place, (_, key))| {
        let others = chosen.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, (_, key))| key.clone());
        Chip { others: others.collect(), ..Chip::new("Also has", key.clone(), "with") }
    })
}
