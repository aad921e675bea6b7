//! Other charts that a repository has to have as well: any may be named in a field, and those that are chosen are chips.

use entity::view::ChartNeighbour;
use leptos::html;
use leptos::prelude::*;

use crate::components::{Chip, Glyph, Icon, give, number_text};

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
        let (field, typed) = (NodeRef::<html::Input>::new(), self.typed.clone());
        let given = typed.clone().unwrap_or_default();
        Effect::new(move |_| {
            if let Some(field) = field.get() {
                give(&field, &given);
            }
        });
        view! {
            <div class="field field-search">
                <label class="sr-only" for="field-also">"Also has the chart"</label>
                <span class="input">
                    <Icon glyph=Glyph::Search />
                    <input
                        id="field-also"
                        type="search"
                        name="also"
                        list="charts-beside"
                        value=typed
                        node_ref=field
                        placeholder="Also has the chart"
                        autocomplete="off"
                    />
                </span>
                <datalist id="charts-beside">{options}</datalist>
            </div>
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
