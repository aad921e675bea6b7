use leptos::ev::{Event, SubmitEvent};
use leptos::form::form_data_from_event;
use leptos::prelude::*;
use leptos::web_sys::{HtmlElement, HtmlFormElement, UrlSearchParams};
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use wasm_bindgen::JsCast as _;

/// A form that asks for an address: a link to it once the page is awake, a GET form before and without scripts.
#[component]
pub fn SearchForm(
    /// The path that it leads to.
    #[prop(into)]
    action: String,
    /// How it looks.
    #[prop(optional)]
    class: &'static str,
    /// Choosing is enough.
    #[prop(optional)]
    auto: bool,
    /// The page stays where it is scrolled to.
    #[prop(optional)]
    stay: bool,
    /// Its fields.
    children: Children,
) -> impl IntoView {
    let (navigate, path) = (use_navigate(), action.clone());
    let submit = move |event: SubmitEvent| {
        let Ok(data) = form_data_from_event(&event) else { return };
        let Ok(pairs) = UrlSearchParams::new_with_str_sequence_sequence(&data) else { return };
        event.prevent_default();
        let pairs = String::from(pairs.to_string());
        // Empty filters do not belong into the address.
        let pairs: Vec<&str> = pairs.split('&').filter(|pair| !pair.ends_with('=')).collect();
        let address = format!("{path}?{}", pairs.join("&"));
        navigate(&address, NavigateOptions { scroll: !stay, ..NavigateOptions::default() });
    };
    let change = move |event: Event| {
        let field = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
        let form = field.and_then(|field| field.closest("form").ok()?);
        if let Some(form) = form.filter(|_| auto).and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
            let _ = form.request_submit();
        }
    };
    view! {
        <form method="get" action=action class=class on:submit=submit on:change=change>
            {children()}
        </form>
    }
}
