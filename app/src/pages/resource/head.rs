use entity::view::{Event, Resource, Timestamp};
use leptos::prelude::*;

use super::super::resources::namespace;
use super::data::InstalledChart;
use crate::components::{
    KindBadge, Notice, PageHead, ResourceStatusBadge, TimeAgo, Version, chart_href, commit_href, counted,
    repository_href, short_sha,
};

/// What the resource is, where it stands, and since when it is gone if it is.
pub(super) fn view(
    resource: &Resource,
    deleted_by: Option<Event>,
    installed: Vec<InstalledChart>,
    now: Timestamp,
) -> AnyView {
    let has_namespace = resource.namespace.is_some() || resource.namespace_inherited.is_some();
    let space = has_namespace
        .then(|| view! { <span class="fact"><span class="quiet">"namespace "</span>{namespace(resource)}</span> });
    let version = resource.version.clone().map(|version| {
        view! { <span class="fact"><span class="quiet">"version "</span><Version version=Some(version) /></span> }
    });
    let chart = resource.chart_name.clone().map(|chart| {
        view! {
            <span class="fact" title=resource.chart_url.clone()><span class="quiet">"chart "</span>{chart}</span>
        }
    });
    let users = installed.into_iter().take(1).map(|one| {
        let others = counted(one.repositories - 1, "other repository", "other repositories");
        view! {
            <span class="fact">
                <a href=chart_href(&one.key)>{if one.repositories > 1 { format!("used by {others}") } else { "used here only".to_owned() }}</a>
            </span>
        }
    });
    let users = users.collect_view();
    let gone = deleted_by.map(|event| {
        view! {
            <Notice tone="warn">
                "Deleted " <TimeAgo time=event.event_timestamp now /> " by " {event.author_name.clone()} " in "
                <a href=commit_href(event.repository_id, &event.commit)>
                    <span class="sha">{short_sha(&event.commit)}</span> " " {event.commit_subject.clone()}
                </a> ". Its last text is below."
            </Notice>
        }
    });
    let facts = view! {
        <div class="facts">
            <KindBadge kind=resource.kind.clone() />
            <span class="quiet">{resource.api_version.clone()}</span>
            <ResourceStatusBadge status=resource.status />
            {space} {version} {chart} {users}
            <span class="fact">
                <span class="quiet">"in "</span>
                <a href=repository_href(resource.repository_id)>{resource.repository_full_name.clone()}</a>
            </span>
            <span class="fact">
                <span class="quiet">"since "</span>
                <TimeAgo time=resource.created_at now />
            </span>
            <span class="fact">
                <span class="quiet">{counted(resource.events, "change", "changes")} ", last "</span>
                <TimeAgo time=resource.updated_at now />
            </span>
        </div>
    };
    view! {
        <PageHead title=resource.name.clone() facts=facts.into_any() />
        {gone}
    }
    .into_any()
}
