//! Folding in an open page. Each button says up to which line what is under its own goes.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};
use wasm_bindgen::JsCast as _;

/// Hides or shows what is under a line.
pub(super) fn on_click(event: MouseEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let Some(button) = target.and_then(|target| target.closest(".line-fold").ok()?) else { return };
    let is_open = button.get_attribute("aria-expanded").as_deref() == Some("true");
    let _ = button.set_attribute("aria-expanded", if is_open { "false" } else { "true" });
    if let Ok(Some(lines)) = button.closest(".code-lines") {
        fold(&lines);
    }
}

/// Who follows a link to a line wants to see it.
pub(super) fn open_linked_lines() {
    Effect::new(|_| {
        let listener = window_event_listener_untyped("hashchange", |_| {
            let hash = window().location().hash().unwrap_or_default();
            let line = document().get_element_by_id(hash.trim_start_matches('#'));
            if let Some(line) = line.and_then(|line| line.dyn_into::<HtmlElement>().ok()).filter(HtmlElement::hidden) {
                open(&line);
            }
        });
        on_cleanup(move || listener.remove());
    });
}

fn open(line: &HtmlElement) {
    let Some(lines) = line.parent_element().filter(|lines| lines.class_list().contains("code-lines")) else { return };
    for above in children(&lines).take_while(|above| number(above) < number(line)) {
        if let Some(button) = folded(&above).filter(|button| number(line) <= until(button)) {
            let _ = button.set_attribute("aria-expanded", "true");
        }
    }
    fold(&lines);
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Center);
    line.scroll_into_view_with_scroll_into_view_options(&options);
}

fn fold(lines: &Element) {
    let mut hidden_until = 0;
    for line in children(lines) {
        let is_hidden = number(&line) <= hidden_until;
        line.set_hidden(is_hidden);
        if let Some(button) = folded(&line).filter(|_| !is_hidden) {
            hidden_until = until(&button);
        }
    }
}

fn children(lines: &Element) -> impl Iterator<Item = HtmlElement> + use<> {
    let children = lines.children();
    (0..children.length()).filter_map(move |at| children.item(at)?.dyn_into().ok())
}

/// The button of a line whose part is hidden.
fn folded(line: &HtmlElement) -> Option<Element> {
    line.query_selector(":scope > .line-fold[aria-expanded=false]").ok()?
}

fn until(button: &Element) -> u32 {
    button.get_attribute("data-to").and_then(|line| line.parse().ok()).unwrap_or(0)
}

fn number(line: &HtmlElement) -> u32 {
    line.id().trim_start_matches('L').parse().unwrap_or(0)
}
