use entity::view::{Reference, References};
use leptos::prelude::*;

use crate::components::{KindBadge, Section, resource_href};

/// What the resource refers to and what refers to it.
pub(super) fn view(references: References) -> AnyView {
    let References { outgoing, incoming } = references;
    view! {
        <Section title="References">{list(outgoing, "It refers to no other resource.")}</Section>
        <Section title="Referenced by">{list(incoming, "No other resource here refers to it.")}</Section>
    }
    .into_any()
}

fn list(references: Vec<Reference>, none: &'static str) -> AnyView {
    if references.is_empty() {
        return view! { <p class="quiet">{none}</p> }.into_any();
    }
    let lines = references
        .into_iter()
        .map(|reference| {
            let name = match reference.resource_id {
                Some(id) => {
                    view! { <a href=resource_href(id) title=reference.file_path>{reference.name}</a> }.into_any()
                }
                None => view! { <span title="Not found in this repository">{reference.name}</span> }.into_any(),
            };
            let namespace = reference.namespace.map(|namespace| view! { " " <span class="quiet">{namespace}</span> });
            view! {
                <li>
                    <span class="reference-what"><KindBadge kind=reference.kind /> " " {name} {namespace}</span>
                    <code class="reference-how quiet">{reference.relation.as_str()}</code>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="references">{lines}</ul> }.into_any()
}
