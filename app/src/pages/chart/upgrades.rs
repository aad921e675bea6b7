//! What others had to change for a step between versions.

use entity::view::{ChangedPath, ChartUpgrade, ChartUpgrades, PageQuery, Timestamp};
use leptos::prelude::*;

use super::super::filters::{chips, values};
use super::parts::share;
use crate::components::{
    Choice, EmptyState, FilterBar, PageUrl, Pager, Section, Select, Table, TimeAgo, VersionChange, commit_href,
    counted, number_text, repository_href, short_sha,
};

/// Paths of one upgrade that are named.
const NAMED: usize = 3;

pub(super) fn view(upgrades: ChartUpgrades, page: PageQuery, url: &PageUrl, now: Timestamp) -> AnyView {
    let value = values(url);
    let set = chips(url, &[("from", "From"), ("to", "To")]);
    let choices: Vec<Choice> = upgrades.versions.iter().map(|version| Choice::word(version.clone())).collect();
    let chosen = !set.is_empty();
    let head = head(&upgrades, url);
    let (count, looked_at) = (upgrades.count, upgrades.looked_at);
    let body = if count == 0 {
        let why = match chosen {
            true => "Nobody whose history is known here made this step.",
            false => "Nobody has changed the version yet.",
        };
        view! { <EmptyState title="No upgrades"><p>{why}</p></EmptyState> }.into_any()
    } else {
        let (rows, url) = (u64::try_from(count).unwrap_or_default(), url.clone());
        let newest =
            (count > looked_at).then(|| format!("Of the newest {}.", counted(looked_at, "upgrade", "upgrades")));
        let list = (!upgrades.upgrades.is_empty()).then(|| list(upgrades.upgrades, now));
        view! {
            <p class="quiet">{head}</p>
            {changed(upgrades.changed, looked_at, newest)}
            <Section title="Who made it">{list} <Pager page count=rows url what="upgrades" /></Section>
        }
        .into_any()
    };
    view! {
        <FilterBar url=url.clone() keys=&["from", "to"] chips=set>
            <Select name="from" label="From" choices=choices.clone() selected=value("from") />
            <Select name="to" label="To" choices selected=value("to") />
        </FilterBar>
        {body}
    }
    .into_any()
}

/// How many there are. Of two versions that are chosen the second may be the lower one.
fn head(upgrades: &ChartUpgrades, url: &PageUrl) -> String {
    let releases = counted(upgrades.releases, "release", "releases");
    let place = |key| url.get(key).and_then(|version| upgrades.versions.iter().position(|one| one == version));
    if place("from").zip(place("to")).is_some_and(|(from, to)| from < to) {
        return format!("{}, of {releases}.", counted(upgrades.count, "downgrade", "downgrades"));
    }
    let count = counted(upgrades.count, "upgrade", "upgrades");
    let several = match upgrades.by_several {
        0 => String::new(),
        several => format!(" {} made by several commits;", number_text(several)),
    };
    format!("{count}, of {releases};{several} {} rolled back within seven days.", number_text(upgrades.rolled_back))
}

fn changed(paths: Vec<ChangedPath>, of: i64, newest: Option<String>) -> AnyView {
    let newest = newest.map(|newest| view! { <p class="quiet">{newest}</p> });
    if paths.is_empty() {
        return view! {
            <Section title="What they had to change">
                <p class="quiet">"No value changed with it."</p>
                {newest}
            </Section>
        }
        .into_any();
    }
    let rows = paths
        .into_iter()
        .take(30)
        .map(|path| view! { <li class="rank"><code class="value-path">{path.path}</code>{share(path.upgrades, of)}</li> })
        .collect_view();
    view! { <Section title="What they had to change"><ol class="ranks">{rows}</ol>{newest}</Section> }.into_any()
}

fn list(upgrades: Vec<ChartUpgrade>, now: Timestamp) -> AnyView {
    let row = move |upgrade: ChartUpgrade| {
        let named = upgrade.changed.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = upgrade.changed.len().saturating_sub(NAMED);
        let more = (more > 0).then(|| format!(" and {more} more"));
        let all = upgrade.changed.join("\n");
        let named = (!named.is_empty()).then(|| view! { <span class="value-path">{named}</span> });
        let release = match (upgrade.release_name, upgrade.releases) {
            (Some(name), 1) => name,
            (_, releases) => counted(releases, "release", "releases"),
        };
        let steps = (upgrade.steps > 1).then(|| {
            let why = "By way of versions between: what was set otherwise after the last commit than before the first";
            view! { " " <span class="tag" title=why>{counted(upgrade.steps, "step", "steps")}</span> }
        });
        let back = upgrade
            .rolled_back
            .then(|| view! { " " <span class="tag" title="Went back to a lower version within seven days">"rolled back"</span> });
        view! {
            <tr>
                <td class="row-link" data-label="Repository"><a href=repository_href(upgrade.repository_id)>{upgrade.repository}</a></td>
                <td data-label="Step"><VersionChange before=Some(upgrade.from) after=Some(upgrade.to) />{steps}{back}</td>
                <td data-label="Release">{release}</td>
                <td data-label="Values changed with it" title=all>{named}{more}</td>
                <td data-label="When"><TimeAgo time=upgrade.at now /></td>
                <td data-label="Commit">
                    <a class="sha" href=commit_href(upgrade.repository_id, &upgrade.commit)>{short_sha(&upgrade.commit)}</a>
                </td>
            </tr>
        }
    };
    view! {
        <Table caption="Upgrades, newest first">
            <thead>
                <tr>
                    <th scope="col">"Repository"</th>
                    <th scope="col">"Step"</th>
                    <th scope="col">"Release"</th>
                    <th scope="col">"Values changed with it"</th>
                    <th scope="col">"When"</th>
                    <th scope="col">"Commit"</th>
                </tr>
            </thead>
            <tbody>{upgrades.into_iter().map(row).collect_view()}</tbody>
        </Table>
    }
    .into_any()
}
