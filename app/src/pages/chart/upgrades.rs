//! What others had to change for a step between versions.

use entity::view::{ChangedPath, ChartUpgrade, ChartUpgrades, Timestamp};
use leptos::prelude::*;

use super::super::filters::{chips, values};
use super::parts::share;
use crate::components::{
    Choice, EmptyState, FilterBar, Number, PageUrl, Section, Select, Table, TimeAgo, VersionChange, commit_href,
    counted, repository_href, short_sha,
};

/// Paths of one upgrade that are named.
const NAMED: usize = 3;

pub(super) fn view(upgrades: ChartUpgrades, url: &PageUrl, now: Timestamp) -> AnyView {
    let value = values(url);
    let set = chips(url, &[("from", "From"), ("to", "To")]);
    let choices: Vec<Choice> = upgrades.versions.iter().map(|version| Choice::word(version.clone())).collect();
    let chosen = !set.is_empty();
    let told = i64::try_from(upgrades.upgrades.len()).unwrap_or(i64::MAX);
    let head = format!(
        "{}, {} rolled back within seven days",
        counted(upgrades.count, "upgrade", "upgrades"),
        upgrades.rolled_back
    );
    let newest = (upgrades.count > told).then(|| format!(". These are the newest {told}"));
    let body = if upgrades.upgrades.is_empty() {
        let why = match chosen {
            true => "Nobody whose history is known here made this step in one commit.",
            false => "Nobody has changed the version yet.",
        };
        view! { <EmptyState title="No upgrades"><p>{why}</p></EmptyState> }.into_any()
    } else {
        view! {
            <p class="quiet">{head}{newest}"."</p>
            {changed(upgrades.changed, told)}
            <Section title="Who made it">{list(upgrades.upgrades, now)}</Section>
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

fn changed(paths: Vec<ChangedPath>, of: i64) -> AnyView {
    if paths.is_empty() {
        return view! {
            <Section title="What they had to change"><p class="quiet">"No value changed in the same commits."</p></Section>
        }
        .into_any();
    }
    let rows = paths
        .into_iter()
        .take(30)
        .map(|path| view! { <li class="rank"><code class="value-path">{path.path}</code>{share(path.upgrades, of)}</li> })
        .collect_view();
    view! { <Section title="What they had to change"><ol class="ranks">{rows}</ol></Section> }.into_any()
}

fn list(upgrades: Vec<ChartUpgrade>, now: Timestamp) -> AnyView {
    // A shared source moves many releases at once: one row tells of all.
    let mut folded: Vec<(ChartUpgrade, i64)> = Vec::new();
    for upgrade in upgrades {
        let same = |(other, _): &&mut (ChartUpgrade, i64)| {
            (other.repository_id, &other.commit, &other.from, &other.to)
                == (upgrade.repository_id, &upgrade.commit, &upgrade.from, &upgrade.to)
        };
        match folded.iter_mut().find(same) {
            Some((other, releases)) => {
                *releases += 1;
                other.rolled_back |= upgrade.rolled_back;
                other.changed.extend(upgrade.changed);
                other.changed.sort_unstable();
                other.changed.dedup();
            }
            None => folded.push((upgrade, 1)),
        }
    }
    let row = move |(upgrade, releases): (ChartUpgrade, i64)| {
        let named = upgrade.changed.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = upgrade.changed.len().saturating_sub(NAMED);
        let more = (more > 0).then(|| format!(" and {more} more"));
        let all = upgrade.changed.join("\n");
        let back = upgrade
            .rolled_back
            .then(|| view! { " " <span class="tag" title="Went back to a lower version within seven days">"rolled back"</span> });
        view! {
            <tr>
                <td class="row-link" data-label="Repository"><a href=repository_href(upgrade.repository_id)>{upgrade.repository}</a></td>
                <td data-label="Step"><VersionChange before=Some(upgrade.from) after=Some(upgrade.to) />{back}</td>
                <td class="num" data-label="Releases"><Number value=releases /></td>
                <td data-label="Values changed with it" title=all><span class="value-path">{named}</span>{more}</td>
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
                    <th scope="col" class="num">"Releases"</th>
                    <th scope="col">"Values changed with it"</th>
                    <th scope="col">"When"</th>
                    <th scope="col">"Commit"</th>
                </tr>
            </thead>
            <tbody>{folded.into_iter().map(row).collect_view()}</tbody>
        </Table>
    }
    .into_any()
}
