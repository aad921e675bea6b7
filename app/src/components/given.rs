//! Fields whose value the page gives, and which somebody may be typing in while the page wakes or its data comes anew: only
//! another value than the page had given the field before replaces what stands in it.

use leptos::web_sys::js_sys::Reflect;
use wasm_bindgen::JsValue;

/// Where the element keeps what it was given; it lives longer than the component that shows it.
const GIVEN: &str = "kubestatsGiven";

/// Gives a field its value.
pub(super) fn give(field: &JsValue, value: &str) {
    let key = JsValue::from_str(GIVEN);
    let before = Reflect::get(field, &key).ok().and_then(|before| before.as_string());
    // The first value came with the element.
    if before.is_some_and(|before| before != value) {
        let _ = Reflect::set(field, &JsValue::from_str("value"), &JsValue::from_str(value));
    }
    let _ = Reflect::set(field, &key, &JsValue::from_str(value));
}
