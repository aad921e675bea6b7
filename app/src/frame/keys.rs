use leptos::ev::{self, KeyboardEvent};
use leptos::html::Dialog;
use leptos::prelude::*;
use leptos::web_sys::{Element, HtmlElement, HtmlInputElement};
use leptos_router::hooks::use_navigate;
use wasm_bindgen::JsCast as _;

use crate::pages::RAIL;

/// The second key of two comes within so many milliseconds.
const SOON: f64 = 1_500.0;

/// `/` or Ctrl-K for search, `g` and a letter to go somewhere, `?` tells.
#[component]
pub fn Keys() -> impl IntoView {
    let (help, navigate) = (NodeRef::<Dialog>::new(), use_navigate());
    let going = StoredValue::new(f64::NEG_INFINITY);
    Effect::new(move |_| {
        let navigate = navigate.clone();
        let listener = window_event_listener(ev::keydown, move |event: KeyboardEvent| {
            let key = event.key();
            if (event.ctrl_key() || event.meta_key()) && !event.alt_key() && key.eq_ignore_ascii_case("k") {
                event.prevent_default();
                search(true);
                return;
            }
            if event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            if let Some(field) = typing_in(&event) {
                if key == "Escape" {
                    let _ = field.blur();
                }
                return;
            }
            let is_second = event.time_stamp() - going.get_value() < SOON;
            match key.as_str() {
                "/" => {
                    event.prevent_default();
                    search(false);
                }
                "?" => {
                    if let Some(help) = help.get_untracked().filter(|help| !help.open()) {
                        let _ = help.show_modal();
                    }
                }
                "g" => going.set_value(event.time_stamp()),
                key => {
                    if let Some(place) = RAIL.iter().find(|place| is_second && place.key == key) {
                        going.set_value(f64::NEG_INFINITY);
                        navigate(place.href, Default::default());
                    }
                }
            }
        });
        on_cleanup(move || listener.remove());
    });
    let rows = [("/".to_owned(), "Search (also Ctrl K)")]
        .into_iter()
        .chain(RAIL.iter().map(|place| (format!("g {}", place.key), place.label)))
        .chain([("?".to_owned(), "This list")])
        .map(|(key, what)| view! { <dt><kbd>{key}</kbd></dt> <dd>{what}</dd> })
        .collect_view();
    view! {
        <dialog class="keys" node_ref=help aria-labelledby="keys-title">
            <h2 id="keys-title">"Keys"</h2>
            <dl>{rows}</dl>
            <form method="dialog"><button class="button">"Close"</button></form>
        </dialog>
    }
}

/// The field that somebody types in.
fn typing_in(event: &KeyboardEvent) -> Option<HtmlElement> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let field =
        target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]").ok()??;
    field.dyn_into().ok()
}

fn search(all: bool) {
    let field = document().get_element_by_id("search").and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
    if let Some(field) = field {
        let _ = field.focus();
        if all {
            field.select();
        }
    }
}
