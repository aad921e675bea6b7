//! What people set: every path, and one of them.

use entity::view::{ChartValue, ChartValuePath, Listing, PageQuery, Timestamp, ValueSpread};
use leptos::prelude::*;

use super::super::filters::{chips, values as given};
use super::also::{self, Also};
use super::parts::{line_of, path_rows, release_field, share, stands_for, value};
use crate::components::{
    Chips, Choice, EmptyState, FilterBar, PageUrl, Pager, Section, Select, Table, TextField, TimeAgo, Version, counted,
    repository_href,
};

/// What the filters of values may be set to.
pub(super) struct Choices {
    pub repositories: Vec<(String, String)>,
    pub majors: Vec<u64>,
    pub also: Also,
}

pub(super) fn paths(listing: Listing<ChartValuePath>, page: PageQuery, choices: Choices, url: &PageUrl) -> AnyView {
    let value = given(url);
    let filters = [
        ("text", "Path or value"),
        ("major", "Major version"),
        ("release", "Release"),
        ("mine", "Mine"),
        ("unlike", "Only"),
    ];
    let mut set = chips(url, &filters);
    for chip in &mut set {
        match chip.key {
            "mine" => {
                if let Some((_, name)) = choices.repositories.iter().find(|(id, _)| *id == chip.value) {
                    chip.value.clone_from(name);
                }
            }
            "unlike" => "what is unlike".clone_into(&mut chip.value),
            _ => {}
        }
    }
    set.extend(also::chips(&choices.also.chosen));
    let others = choices.also.field();
    let with_mine = url.get("mine").is_some();
    let mine = choices.repositories.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect();
    let majors = choices.majors.iter().map(|major| Choice::new(major.to_string(), format!("{major}.x"))).collect();
    let unlike = with_mine.then(|| {
        let choices = vec![Choice::new("yes", "unlike others")];
        view! { <Select name="unlike" label="Show" choices selected=value("unlike") none="all" /> }
    });
    let list = match listing.data.is_empty() {
        true if listing.count > 0 => ().into_any(),
        true => {
            view! { <EmptyState title="No value matches"><p>"Remove a filter to see more."</p></EmptyState> }.into_any()
        }
        false => path_rows(listing.data, url, with_mine),
    };
    view! {
        <FilterBar url=url.clone() keys=&["text", "major", "release", "also", "mine", "unlike"] chips=set>
            <TextField name="text" label="Path or value" placeholder="Path or value" search=true value=value("text") />
            <Select name="major" label="Version" choices=majors selected=value("major") />
            {release_field(value("release"))}
            {others}
            <Select name="mine" label="Compare" choices=mine selected=value("mine") none="no repository" />
            {unlike}
        </FilterBar>
        {list}
        <Pager page count=listing.count url=url.clone() what="values" />
    }
    .into_any()
}

pub(super) fn path(
    path: ChartValuePath,
    listing: Listing<ChartValue>,
    page: PageQuery,
    (url, base): (&PageUrl, &PageUrl),
    with: &[(i64, String)],
    now: Timestamp,
) -> AnyView {
    let all = url.without("path").with("tab", "values").href();
    let releases = path.releases;
    let mut set = chips(url, &[("major", "Major version"), ("release", "Release")]);
    set.extend(also::chips(with));
    let filters = view! { <Chips url=url.clone() chips=set /> };
    let mine = path.mine.as_deref().map(|mine| {
        view! { <p>"Mine: " {value(mine, path.mine_masked)}</p> }
    });
    let users = base.with("tab", "users").with("path", path.path.clone());
    let bars = path
        .common
        .iter()
        .map(|one| {
            let href = users.with("value", one.value.clone()).at_part("views").href();
            let shown = value(&one.value, one.masked);
            let shown = if one.masked { shown } else { view! { <a href=href>{shown}</a> }.into_any() };
            view! { <li class="rank">{shown}{share(one.releases, releases)}</li> }
        })
        .collect_view();
    let more = path.different - i64::try_from(path.common.len()).unwrap_or(0);
    let more =
        (more > 0).then(|| view! { <p class="quiet">{format!("And {more} other values, each less common")}</p> });
    let rows = listing.data.into_iter().map(|one| row(one, now)).collect_view();
    let (count, url) = (listing.count, url.clone());
    view! {
        <p class="value-head"><a href=all>"All values"</a> " / " <code class="value-path">{path.path.clone()}</code></p>
        {filters}
        <Section title="What it is set to">
            {mine}
            <ol class="ranks">{bars}</ol>
            {more}
            {path.spread.map(spread)}
        </Section>
        <Section title="Who sets it">
            <Table caption="Who sets it, and to what">
                <thead>
                    <tr>
                        <th scope="col">"Repository"</th>
                        <th scope="col">"Release"</th>
                        <th scope="col">"Version"</th>
                        <th scope="col">"Value"</th>
                        <th scope="col">"Set"</th>
                        <th scope="col">"Where"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
            <Pager page count url what="values" />
        </Section>
    }
    .into_any()
}

/// How numbers spread.
fn spread(spread: ValueSpread) -> AnyView {
    let ValueSpread { lowest, lower_quarter, median, upper_quarter, highest, others, .. } = spread;
    let left_out = (others > 0).then(|| {
        let others = counted(others, "release sets", "releases set");
        view! { <p class="quiet">{format!("{others} something else than a number.")}</p> }
    });
    let part = |label: &'static str, text: String| view! { <div><dt>{label}</dt><dd>{value(&text, false)}</dd></div> };
    view! {
        <dl class="spread">
            {part("Lowest", lowest)}
            {part("A quarter up to", lower_quarter)}
            {part("Half up to", median)}
            {part("Three quarters up to", upper_quarter)}
            {part("Highest", highest)}
        </dl>
        {left_out}
    }
    .into_any()
}

fn row(one: ChartValue, now: Timestamp) -> AnyView {
    let place = line_of(&one);
    view! {
        <tr>
            <td class="row-link" data-label="Repository"><a href=repository_href(one.repository_id)>{one.repository}</a></td>
            <td data-label="Release">{one.release_name}</td>
            <td data-label="Version"><Version version=one.version /></td>
            <td data-label="Value">{value(&one.value, one.masked)} {stands_for(&one.value, &one.variables)}</td>
            <td data-label="Set"><TimeAgo time=one.since now /></td>
            <td class="file" data-label="Where">{place}</td>
        </tr>
    }
    .into_any()
}
