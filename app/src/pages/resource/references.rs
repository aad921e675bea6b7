use entity::kind::ReferenceStatus;
use entity::view::{Reference, References};
use leptos::prelude::*;

use crate::components::{KindBadge, Section, resource_href};

/// What the resource refers to and what refers to it.
pub(super) fn view(references: References, is_past: bool) -> AnyView {
    let References { outgoing, incoming } = references;
    view! {
        {is_past.then(|| view! { <p class="quiet">"References are shown as they are now."</p> })}
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
                None => view! { <span>{reference.name}</span> }.into_any(),
            };
            let state = state(reference.status);
            let namespace = reference.namespace.map(|namespace| view! { " " <span class="quiet">{namespace}</span> });
            view! {
                <li>
                    <span class="reference-what"><KindBadge kind=reference.kind /> " " {name} {namespace}</span>
                    <span class="reference-how quiet"><code>{reference.field}</code> {state}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="references">{lines}</ul> }.into_any()
}

/// What is to be said of a reference beside a link to what it names: nothing where that is there.
fn state(status: ReferenceStatus) -> Option<AnyView> {
    let (what, is_wrong) = match status {
        ReferenceStatus::Resolved => return None,
        ReferenceStatus::Made => ("made by another resource", false),
        ReferenceStatus::Chart => ("most likely made by a chart", false),
        ReferenceStatus::External => ("not in this repository", false),
        ReferenceStatus::Templated => ("a template", false),
        ReferenceStatus::Dangling => ("missing", true),
    };
    Some(match is_wrong {
        true => {
            view! { <span class="reference-missing" title="It has to be in this repository, and is not">{what}</span> }
                .into_any()
        }
        false => view! { <span>{what}</span> }.into_any(),
    })
}
