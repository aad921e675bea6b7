//! How to get a chart, and what else there is.

use entity::view::{ChartAlternative, ChartDetail, ChartNeighbour, ChartSnippet};
use leptos::prelude::*;

use super::alternatives;
use super::parts::share;
use crate::components::{CopyButton, EmptyState, Number, PageUrl, Section, Table, chart_href, counted, number_text};

pub(super) fn view(detail: &ChartDetail, snippets: Vec<ChartSnippet>) -> AnyView {
    let most = detail.sources.first().map(|source| source.key.clone());
    let popular = detail.sources.len() > 1;
    let rows = detail
        .sources
        .iter()
        .map(|source| {
            let note = (popular && most.as_deref() == Some(source.key.as_str()))
                .then(|| view! { " " <span class="tag">"most used"</span> });
            view! {
                <tr>
                    <td class="path" data-label="Source"><code>{source.url.clone()}</code>{note}</td>
                    <td class="path" data-label="Key"><code>{source.key.clone()}</code></td>
                    <td class="num" data-label="Repositories"><Number value=source.repositories /></td>
                </tr>
            }
        })
        .collect_view();
    let is_odd = snippets.is_empty() && !detail.sources.is_empty();
    let shown = snippets
        .into_iter()
        .map(|ChartSnippet { title, text }| {
            let copy = view! { <CopyButton text=text.clone() what="snippet" /> }.into_any();
            view! { <Section title aside=copy><pre class="code-block" tabindex="0"><code>{text}</code></pre></Section> }
        })
        .collect_view();
    let chosen = detail.sources.first().filter(|_| popular).map(|source| {
        let all = counted(detail.chart.repositories, "repository takes", "repositories take");
        let text = format!("{} of {all} it from ", number_text(source.repositories));
        view! { <p>{text} <code>{source.url.clone()}</code> ", as these do."</p> }
    });
    let none = is_odd.then(|| view! { <p class="quiet">"No text that installs it is made: its name, place or version is not written as those of charts are."</p> });
    view! {
        {chosen}
        {none}
        <div class="columns even">{shown}</div>
        <Section title="Where it comes from">
            <Table caption="Where it comes from">
                <thead>
                    <tr><th scope="col">"Source"</th><th scope="col">"Key"</th><th scope="col" class="num">"Repositories"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

pub(super) fn related(
    together: Vec<ChartNeighbour>,
    alternatives: Vec<ChartAlternative>,
    detail: &ChartDetail,
    base: &PageUrl,
) -> AnyView {
    let at = base.get("at").unwrap_or_default();
    let together = list(together, detail.chart.repositories, at, "Nobody uses another chart beside it");
    let are_known = !alternatives.is_empty();
    let alternatives = alternatives::view(alternatives, detail, at);
    let together = view! { <Section title="Used together with">{together}</Section> }.into_any();
    // What is known stands first.
    let [first, second] = if are_known { [alternatives, together] } else { [together, alternatives] };
    view! { {first} {second} }.into_any()
}

fn list(neighbours: Vec<ChartNeighbour>, of: i64, at: &str, none: &'static str) -> AnyView {
    if neighbours.is_empty() {
        return view! { <EmptyState title=none /> }.into_any();
    }
    let rows = neighbours
        .into_iter()
        .map(|one| {
            let href = PageUrl::new(chart_href(&one.key)).with("at", at).href();
            view! { <li class="rank"><a href=href title=one.key>{one.name}</a>{share(one.repositories, of)}</li> }
        })
        .collect_view();
    view! { <ol class="ranks">{rows}</ol> }.into_any()
}
