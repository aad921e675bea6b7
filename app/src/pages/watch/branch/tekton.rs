//! What a commit brings in `.tekton/`.

use std::collections::BTreeMap;

use entity::kind::TektonAction;
use entity::view::{TektonFound, TektonResource};
use leptos::prelude::*;

use crate::components::{Glyph, KindBadge, Table, counted, status};

/// What is best done with it, and why.
const fn action_words(action: TektonAction) -> (&'static str, &'static str) {
    match action {
        TektonAction::Apply => ("apply", "Its resources can be applied"),
        TektonAction::Trigger => ("trigger", "It brings runs that begin by being applied"),
        TektonAction::Validate => ("validate", "Somebody has to look at it first"),
        TektonAction::Skip => ("skip", "There is nothing to do"),
    }
}

/// Kinds with their numbers in a line, all of it below.
pub(super) fn view(found: TektonFound) -> AnyView {
    if !found.has_directory {
        let by_api = found.read_by_api.then_some(", read by the forge’s API");
        return view! {
            <p class="quiet happening-none">"No " <code>".tekton"</code> " at this commit" {by_api}</p>
        }
        .into_any();
    }
    let mut kinds: BTreeMap<&str, i64> = BTreeMap::new();
    for resource in &found.resources {
        *kinds.entry(&resource.kind).or_default() += 1;
    }
    let kinds: Vec<AnyView> = kinds
        .into_iter()
        .map(|(kind, count)| {
            view! { <span class="tekton-kind">{count} " × " <KindBadge kind=kind.to_owned() /></span> }.into_any()
        })
        .collect();
    let (word, why) = action_words(found.estimated_action);
    let files = counted(i64::from(found.total_files), "file", "files");
    let invalid = found.total_files.saturating_sub(found.valid_files);
    let invalid = (invalid > 0).then(|| status("bad", Glyph::Failed, format!("{invalid} can’t be read")));
    let by_api = found.read_by_api.then(|| {
        view! { <span class="quiet" title="No clone could tell when it was read">"read by the forge’s API"</span> }
    });
    let lines = |class: &'static str, lines: Vec<String>| {
        lines.into_iter().map(move |line| view! { <p class=class>{line}</p> }).collect_view()
    };
    let table = (!found.resources.is_empty()).then(|| resources(found.resources));
    view! {
        <details class="tekton">
            <summary>
                <strong>"Tekton"</strong> {kinds}
                <span class="quiet">{files}</span> {invalid} {by_api}
                <span class="tag" title=why>{word}</span>
            </summary>
            {lines("quiet", found.reasons)}
            {lines("field-error", found.errors)}
            {lines("warn", found.warnings)}
            {table}
        </details>
    }
    .into_any()
}

fn resources(resources: Vec<TektonResource>) -> AnyView {
    let rows = resources.into_iter().map(row).collect_view();
    view! {
        <Table caption="Tekton’s resources at this commit">
            <thead>
                <tr>
                    <th scope="col">"Kind"</th>
                    <th scope="col">"Name"</th>
                    <th scope="col">"File"</th>
                    <th scope="col">"Refers to"</th>
                    <th scope="col">"State"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

fn row(resource: TektonResource) -> AnyView {
    let state = match resource.is_valid {
        true => status("good", Glyph::Check, "Valid"),
        false => view! {
            {status("bad", Glyph::Failed, "Not valid")}
            {resource.errors.into_iter().map(|error| view! { <p class="field-error">{error}</p> }).collect_view()}
        }
        .into_any(),
    };
    let namespace = resource.namespace.map(|namespace| view! { <span class="quiet">" in " {namespace}</span> });
    view! {
        <tr>
            <td data-label="Kind" title=resource.api_version><KindBadge kind=resource.kind /></td>
            <th scope="row" data-label="Name">{resource.name} {namespace}</th>
            <td data-label="File"><span class="path">{resource.path}</span></td>
            <td data-label="Refers to">{resource.dependencies.join(", ")}</td>
            <td data-label="State">{state}</td>
        </tr>
    }
    .into_any()
}
