//! What several views of a chart have in common.

use std::collections::{BTreeMap, BTreeSet};

use entity::view::{ChartRelease, ChartValue, ChartValuePath, CommonValue, Timestamp, variables_in};
use leptos::prelude::*;

use crate::components::{
    Number, PageUrl, Table, TextField, TimeAgo, Version, cut_path, repository_href, resource_href,
};

/// Characters of a value that are shown in a row.
const SHOWN: usize = 60;

/// Narrows a list to releases of one name.
pub(super) fn release_field(value: Option<String>) -> AnyView {
    const LABEL: &str = "Name of the release";
    view! { <TextField name="release" label=LABEL placeholder=LABEL search=true value /> }.into_any()
}

/// The line that sets a value, at its forge where there is one.
pub(in crate::pages) fn line_of(one: &ChartValue) -> Option<AnyView> {
    let file = one.file_path.as_ref()?;
    let text = if one.line > 0 { format!("{file}:{}", one.line) } else { file.clone() };
    Some(match &one.web_url {
        Some(href) => {
            view! { <a href=href.clone() title=text.clone() rel="noopener external">{cut_path(&text)}</a> }.into_any()
        }
        None => cut_path(&text).into_any(),
    })
}

/// A value as people may see it.
pub(in crate::pages) fn value(value: &str, masked: bool) -> AnyView {
    if masked {
        return view! { <span class="quiet" title="Not shown: it may be a secret">"hidden"</span> }.into_any();
    }
    if value.is_empty() {
        return view! { <span class="quiet">"empty"</span> }.into_any();
    }
    let line = value.lines().next().unwrap_or_default();
    let is_cut = line.chars().count() > SHOWN || line.len() < value.trim_end().len();
    let shown: String = if is_cut { line.chars().take(SHOWN).chain(['…']).collect() } else { line.to_owned() };
    view! { <code class="value" title=value.to_owned()>{shown}</code> }.into_any()
}

/// A share in percent, with how many it is of.
pub(super) fn share(part: i64, of: i64) -> AnyView {
    let width = format!("inline-size: {}%", if of > 0 { part * 100 / of } else { 0 });
    let text = percent(part, of);
    view! {
        <span class="share" title=format!("{part} of {of}")>
            <span class="rank-bar" aria-hidden="true"><span style=width></span></span>
            <span class="num">{text}</span>
        </span>
    }
    .into_any()
}

/// What the variables in a value stand for, where the repository says so.
pub(in crate::pages) fn stands_for(text: &str, variables: &BTreeMap<String, String>) -> AnyView {
    let known: BTreeSet<(&str, &str)> =
        variables_in(text).filter_map(|name| Some((name, variables.get(name)?.as_str()))).collect();
    let one = |(name, text): (&str, &str)| {
        view! { <span class="stands-for"><code>{name.to_owned()}</code>" is "<code>{text.to_owned()}</code></span> }
    };
    known.into_iter().map(one).collect_view().into_any()
}

/// A share in a word, rounded: little is not nothing, and nearly all are not all.
pub(in crate::pages) fn percent(part: i64, of: i64) -> String {
    match if of > 0 { (part * 100 + of / 2) / of } else { 0 } {
        0 if part > 0 => "<1%".to_owned(),
        100 if part < of => ">99%".to_owned(),
        percent => format!("{percent}%"),
    }
}

/// The most common values of a path in one line.
pub(super) fn common(values: &[CommonValue], different: i64) -> AnyView {
    let shown = values.iter().take(3).map(|one| {
        view! { <span class="common">{value(&one.value, one.masked)}" "<span class="quiet num">{format!("×{}", one.releases)}</span></span> }
    });
    let shown = shown.collect_view();
    let more = different - i64::try_from(values.len().min(3)).unwrap_or(0);
    let more = (more > 0).then(|| view! { <span class="quiet num">{format!("and {more} more")}</span> });
    view! { <span class="commons">{shown} {more}</span> }.into_any()
}

/// Paths of values as rows.
pub(super) fn path_rows(paths: Vec<ChartValuePath>, base: &PageUrl, with_mine: bool) -> AnyView {
    let base = base.with("tab", "values").without("unlike");
    let rows = paths
        .into_iter()
        .map(|path| {
            let href = base.with("path", path.path.clone()).at_part("views").href();
            let types = path.types.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
            let mine = with_mine.then(|| {
                let mine = match &path.mine {
                    Some(mine) => value(mine, path.mine_masked),
                    None => view! { <span class="quiet">"not set"</span> }.into_any(),
                };
                view! { <td data-label="Mine">{mine}</td> }
            });
            view! {
                <tr>
                    <td class="row-link" data-label="Value"><a class="value-path" href=href>{path.path.clone()}</a></td>
                    <td class="num" data-label="Set by">{share(path.releases, path.of)}</td>
                    {mine}
                    <td data-label="Most common">{common(&path.common, path.different)}</td>
                    <td class="quiet" data-label="Type">{types}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table caption="Values, those that most set first">
            <thead>
                <tr>
                    <th scope="col">"Value"</th>
                    <th scope="col" class="num">"Set by"</th>
                    {with_mine.then(|| view! { <th scope="col">"Mine"</th> })}
                    <th scope="col">"Most common"</th>
                    <th scope="col">"Type"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

/// Releases as rows.
pub(super) fn release_rows(releases: Vec<ChartRelease>, short: bool, now: Timestamp) -> AnyView {
    let with_alike = releases.iter().any(|release| release.alike_percent.is_some());
    let alike = with_alike.then(|| {
        view! { <th scope="col" class="num" title="What both set to the same, of what both set">"Alike"</th> }
    });
    let rows = releases.into_iter().map(|release| release_row(release, short, with_alike, now)).collect_view();
    let long = move |label: &'static str| (!short).then(|| view! { <th scope="col">{label}</th> });
    view! {
        <Table caption="Who uses it">
            <thead>
                <tr>
                    <th scope="col">"Repository"</th>
                    {alike}
                    <th scope="col" class="num">"Stars"</th>
                    <th scope="col">"Version"</th>
                    {long("Release")}
                    {long("Namespace")}
                    <th scope="col" class="num">"Values"</th>
                    <th scope="col" title="Of the version, its place or a value">"Last change"</th>
                    {long("File")}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

fn release_row(release: ChartRelease, short: bool, with_alike: bool, now: Timestamp) -> AnyView {
    let name = release.release_name.or(release.name).unwrap_or_default();
    let about = match release.resource_id {
        Some(id) => view! { <a href=resource_href(id)>{name}</a> }.into_any(),
        None => view! { {name} }.into_any(),
    };
    let long = (!short).then(|| {
        let namespace = release.namespace.clone();
        let file = cut_path(&release.file_path);
        let file = match release.web_url.clone() {
            Some(href) => view! { <a href=href rel="noopener external">{file}</a> }.into_any(),
            None => file.into_any(),
        };
        (
            view! { <td data-label="Release">{about}</td><td data-label="Namespace">{namespace}</td> },
            view! { <td class="file" data-label="File" title=release.file_path.clone()>{file}</td> },
        )
    });
    let (place, file) = long.map_or((None, None), |(place, file)| (Some(place), Some(file)));
    let alike = with_alike.then(|| {
        let alike = match release.alike_percent {
            Some(percent) => share(percent, 100),
            None => view! { <span class="quiet" title="It sets no value">"–"</span> }.into_any(),
        };
        view! { <td class="num" data-label="Alike">{alike}</td> }
    });
    let stars = match release.stars {
        Some(stars) => view! { <Number value=stars /> }.into_any(),
        None => view! { <span class="quiet" title="Not known">"–"</span> }.into_any(),
    };
    view! {
        <tr>
            <td class="row-link" data-label="Repository"><a href=repository_href(release.repository_id)>{release.repository}</a></td>
            {alike}
            <td class="num" data-label="Stars">{stars}</td>
            <td data-label="Version"><Version version=release.version /></td>
            {place}
            <td class="num" data-label="Values"><Number value=release.values /></td>
            <td data-label="Last change"><TimeAgo time=release.changed_at now /></td>
            {file}
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn shares_are_rounded_but_not_to_nothing_or_all() {
        for (part, of, told) in [
            (0, 0, "0%"),
            (0, 9, "0%"),
            (1, 999, "<1%"),
            (7, 9, "78%"),
            (2, 3, "67%"),
            (998, 999, ">99%"),
            (9, 9, "100%"),
        ] {
            assert_eq!(percent(part, of), told, "{part} of {of}");
        }
    }
}
