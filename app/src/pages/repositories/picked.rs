//! Rows that are ticked: all of a page at once, many in a row with Shift, and how many there are. Rows come anew while a page
//! is open, so a tick stays with what it stands for, not with its place in the list.

use std::collections::BTreeSet;

use leptos::ev::{self, MouseEvent};
use leptos::prelude::*;
use leptos::web_sys::{Element, HtmlInputElement};
use leptos_router::hooks::use_location;
use uuid::Uuid;
use wasm_bindgen::JsCast as _;

/// What is ticked, of what stands here.
#[derive(Clone, Copy)]
pub(super) struct Picked {
    ids: RwSignal<BTreeSet<Uuid>>,
    here: RwSignal<Vec<Uuid>>,
    /// From where Shift reaches.
    last: StoredValue<Option<Uuid>>,
}

impl Picked {
    /// Made once for the page; it outlives rows that come anew.
    pub(super) fn provide() -> Self {
        let picked =
            Self { ids: RwSignal::new(ticked_before()), here: RwSignal::new(Vec::new()), last: StoredValue::new(None) };
        provide_context(picked);
        // What was asked for is done, or told why not.
        let search = use_location().search;
        Effect::new(move |before: Option<String>| {
            let now = search.get();
            if before.is_some_and(|before| before != now) && now.contains("outcome=") {
                picked.clear();
            }
            now
        });
        Effect::new(move |_| {
            let listener = window_event_listener(ev::keydown, move |event| {
                let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
                // In a field it leaves the field.
                let field = "input:not([type=checkbox]), textarea, select, dialog";
                if event.key() == "Escape" && !target.is_some_and(|target| matches!(target.closest(field), Ok(Some(_))))
                {
                    picked.clear();
                }
            });
            on_cleanup(move || listener.remove());
        });
        picked
    }

    /// These rows stand here now, in this order; what is gone is not ticked any more.
    pub(super) fn show(self, here: Vec<Uuid>) {
        self.ids.update_untracked(|ids| ids.retain(|id| here.contains(id)));
        self.here.set(here);
        self.ids.notify();
    }

    pub(super) fn has(self, id: Uuid) -> bool {
        self.ids.with(|ids| ids.contains(&id))
    }

    pub(super) fn count(self) -> usize {
        self.ids.with(BTreeSet::len)
    }

    /// Some, but not all.
    pub(super) fn has_some(self) -> bool {
        self.count() > 0 && !self.has_all()
    }

    pub(super) fn has_all(self) -> bool {
        self.here.with(|here| !here.is_empty() && self.count() == here.len())
    }

    /// In the order in which they stand.
    pub(super) fn list(self) -> Vec<Uuid> {
        let ids = self.ids.get_untracked();
        self.here.with_untracked(|here| here.iter().copied().filter(|id| ids.contains(id)).collect())
    }

    pub(super) fn clear(self) {
        self.ids.update(BTreeSet::clear);
        self.last.set_value(None);
    }

    pub(super) fn set_all(self, ticked: bool) {
        let here = self.here.get_untracked();
        self.ids.set(if ticked { here.into_iter().collect() } else { BTreeSet::new() });
    }

    /// A row's box was clicked.
    pub(super) fn click(self, id: Uuid, event: &MouseEvent) {
        let ticked = event
            .target()
            .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
            .is_some_and(|target| target.checked());
        let range = self.last.get_value().filter(|_| event.shift_key()).and_then(|last| self.between(last, id));
        self.ids.update(|ids| {
            for id in range.unwrap_or_else(|| vec![id]) {
                if ticked {
                    ids.insert(id)
                } else {
                    ids.remove(&id)
                };
            }
        });
        self.last.set_value(Some(id));
    }

    fn between(self, one: Uuid, other: Uuid) -> Option<Vec<Uuid>> {
        self.here.with_untracked(|here| {
            let at = |id| here.iter().position(|row| *row == id);
            let (one, other) = (at(one)?, at(other)?);
            Some(here[one.min(other)..=one.max(other)].to_vec())
        })
    }
}

/// What was ticked before the page was awake, or kept by the browser.
fn ticked_before() -> BTreeSet<Uuid> {
    #[cfg(feature = "hydrate")]
    if let Ok(boxes) = document().query_selector_all("input.pick:checked") {
        let ids = (0..boxes.length()).filter_map(|at| {
            let ticked = boxes.item(at)?.dyn_into::<HtmlInputElement>().ok()?;
            Uuid::parse_str(&ticked.value()).ok()
        });
        return ids.collect();
    }
    BTreeSet::new()
}
