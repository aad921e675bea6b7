//! `/dev/components`, in development builds only: every component in every state.

mod given;

use entity::kind::{EventType, GitOpsTool, JobState, Origin, ProblemClass, ResourceStatus, SyncStatus};
use entity::view::{PageQuery, Sort};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use super::{load, show};
use crate::chart::ActivityChart;
use crate::components::{
    Breadcrumb, Bytes, Chip, Choice, CommitFold, CopyButton, Crumb, DiffHtml, DiffMode, DiffView, EmptyState,
    ErrorPanel, EventList, EventTypeBadge, FieldChanges, FilterBar, GitOpsBadge, Glyph, Icon, JobLine, JobStateBadge,
    KindBadge, MaybeTimeAgo, Metric, Metrics, Notice, Number, OriginBadge, PageHead, PageUrl, Pager, ProblemBadge,
    ResourceStatusBadge, Section, Select, SkeletonBlock, SkeletonRows, SortHead, StatusBadge, Tab, Table, Tabs,
    TextField, TimeAgo, Tree, Version, VersionChange, VersionTimeline, YamlHtml, YamlView, bytes_text,
};
#[cfg(feature = "ssr")]
use crate::components::{compare, highlight};
use crate::error::AppError;

/// What only the server can make.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GalleryData {
    yaml: YamlHtml,
    unified: DiffHtml,
    split: DiffHtml,
    chart: String,
}

/// Highlights, compares and describes for the gallery.
#[server(prefix = "/ui", endpoint = "gallery", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_gallery() -> Result<GalleryData, AppError> {
    Ok(GalleryData {
        yaml: highlight(given::NEW, 1, &[]),
        unified: compare(given::OLD, given::NEW, 1, 1, DiffMode::Unified),
        split: compare(given::OLD, given::NEW, 1, 1, DiffMode::Split),
        chart: crate::chart::activity_options(&given::buckets()),
    })
}

/// Every component in every state, for those who work on them.
#[component]
pub fn ComponentsGallery() -> impl IntoView {
    let data = load(|_, _| read_gallery(), |_, _| false);
    show(data, "The components", || view! { <SkeletonBlock of="code" /> }.into_any(), view)
}

fn view(data: GalleryData, url: PageUrl) -> AnyView {
    let facts = view! { <StatusBadge status=SyncStatus::Success /><GitOpsBadge tool=GitOpsTool::Flux /><OriginBadge origin=Origin::Sample /> };
    view! {
        <Breadcrumb crumbs=vec![Crumb::link("Overview", "/"), Crumb::link("Development", "/dev/components"), Crumb::here("Components")] />
        <PageHead title="Components" facts=facts.into_any()>
            <button class="button" type="button"><Icon glyph=Glyph::Sync />"Sync"</button>
            <button class="button primary" type="button"><Icon glyph=Glyph::Scan />"Scan"</button>
            <button class="button" type="button" disabled=true>"Not now"</button>
        </PageHead>
        {badges()}
        {figures()}
        {lists(url.clone())}
        {events()}
        {texts(data, url)}
        {states()}
    }
    .into_any()
}

fn badges() -> AnyView {
    let statuses = SyncStatus::ALL.iter().map(|s| view! { <StatusBadge status=*s /> }).collect_view();
    let jobs = JobState::ALL.iter().map(|s| view! { <JobStateBadge state=*s /> }).collect_view();
    let resources = ResourceStatus::ALL.iter().map(|s| view! { <ResourceStatusBadge status=*s /> }).collect_view();
    let types = EventType::ALL.iter().map(|t| view! { <EventTypeBadge event_type=*t /> }).collect_view();
    let counts =
        EventType::ALL.iter().map(|t| view! { <EventTypeBadge event_type=*t count=Some(1_234) /> }).collect_view();
    let signs = EventType::ALL.iter().map(|t| view! { <EventTypeBadge event_type=*t compact=true /> }).collect_view();
    let tools = GitOpsTool::ALL.iter().map(|t| view! { <GitOpsBadge tool=*t /> }).collect_view();
    let origins = Origin::ALL.iter().map(|o| view! { <OriginBadge origin=*o /> }).collect_view();
    let problems = ProblemClass::ALL.iter().map(|c| view! { <ProblemBadge class=*c /> }).collect_view();
    let kinds = ["HelmRelease", "OCIRepository", "Deployment", "ConfigMap", "HTTPRoute", "CustomResourceDefinition"]
        .map(|kind| view! { <KindBadge kind /> })
        .collect_view();
    view! {
        <Section title="Badges">
            <p class="gallery-row">{statuses} <StatusBadge status=SyncStatus::Error of="Scan" /></p>
            <p class="gallery-row">{jobs} {resources}</p>
            <p class="gallery-row">{types} {counts} {signs}</p>
            <p class="gallery-row">{kinds}</p>
            <p class="gallery-row">{tools} {origins}</p>
            <p class="gallery-row">{problems}</p>
            <p class="gallery-row">
                <VersionChange before=Some("1.2.3".to_owned()) after=Some("1.3.0".to_owned()) />
                <VersionChange before=None after=Some("v4.12.0-rc.1+build.77".to_owned()) />
                <Version version=Some(format!("sha256:{}", "0f".repeat(32))) />
                <Version version=None />
                <Number value=1_234_567 />
                <Number value=12 unit="ms" />
                <Bytes value=137_400_000 />
                <MaybeTimeAgo time=None now=given::now() />
                <TimeAgo time=given::ago(4_000) now=given::now() />
                <CopyButton text="copied" />
            </p>
        </Section>
    }
    .into_any()
}

fn figures() -> AnyView {
    view! {
        <Section title="Figures">
            <Metrics>
                <Metric label="Resources" value=12_345 note=Some("34 in the last 7 days".to_owned()) href=Some("/resources".to_owned()) />
                <Metric label="Helm releases" value=142 />
                <Metric label="Problems" value=3 alert=true />
                <Metric label="Stars" value=None />
                <Metric label="Clone" value=None text=Some(bytes_text(137_400_000)) />
            </Metrics>
        </Section>
    }
    .into_any()
}

fn lists(url: PageUrl) -> AnyView {
    let head_url = url.clone();
    let head = move |label: &'static str, key, numeric| {
        view! { <SortHead label key url=head_url.clone() sorted_by=head_url.get("sort").unwrap_or("events").to_owned() direction=Sort::Descending numeric /> }
    };
    let rows = given::ROWS
        .iter()
        .map(|(name, status, tool, events)| {
            view! {
                <tr>
                    <td class="row-link"><a href="/dev/components">{*name}</a></td>
                    <td data-label="State"><StatusBadge status=*status /></td>
                    <td data-label="Tool"><GitOpsBadge tool=*tool /></td>
                    <td data-label="Events" class="num"><Number value=*events /></td>
                    <td data-label="Changed"><TimeAgo time=given::ago(*events * 60) now=given::now() /></td>
                </tr>
            }
        })
        .collect_view();
    let chips = vec![Chip::new("Kind", "HelmRelease", "kind"), Chip::new("Namespace", "observability", "namespace")];
    let kinds = vec![Choice::word("HelmRelease").counting(1_420), Choice::word("Kustomization").counting(80)];
    let pager_url = url.clone();
    let pager = move |skip, count| view! { <Pager page=PageQuery { skip, limit: 25 } count url=pager_url.clone() what="events" /> };
    view! {
        <Section title="Filters, table, pages">
            <FilterBar url=url.clone() keys=&["text", "kind", "namespace"] chips>
                <TextField name="text" label="Name or path" placeholder="Name or path" value=url.get("text").map(str::to_owned) search=true />
                <Select name="kind" label="Kind" choices=kinds selected=Some("HelmRelease".to_owned()) />
                <Select name="namespace" label="Namespace" choices=vec![Choice::word("default")] selected=Some("observability".to_owned()) />
                <Select name="status" label="Status" choices=vec![Choice::new("error", "Failed")] selected=None />
            </FilterBar>
            <Table caption="Repositories">
                <thead>
                    <tr>
                        {head("Repository", "name", false)} <th scope="col">"State"</th> <th scope="col">"Tool"</th>
                        {head("Events", "events", true)} {head("Changed", "changed", false)}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
            {pager(25, 1_234)} {pager(0, 3)} {pager(0, 0)} {pager(500, 30)}
            <div class="gallery-form">
                <TextField name="plain" label="URL" hint="https, ssh or a path on this machine" />
                <TextField name="wrong" label="URL" value=Some("htps://x".to_owned()) error=Some("This starts with no scheme that is known; use https:// or ssh://.".to_owned()) />
            </div>
        </Section>
        <Section title="Tabs">
            <Tabs
                label="Parts"
                tabs=vec![
                    Tab::new("Events", "/dev/components?tab=events", true).counting(12_340).icon(Glyph::History),
                    Tab::new("Resources", "/dev/components?tab=resources", false).counting(980).icon(Glyph::Resource),
                    Tab::new("Problems", "/dev/components?tab=problems", false).counting(0).icon(Glyph::Warning),
                ]
            />
        </Section>
    }
    .into_any()
}

fn events() -> AnyView {
    let now = given::now();
    let jobs = given::jobs().into_iter().map(|job| view! { <JobLine job now with_repository=true /> }).collect_view();
    view! {
        <Section title="Events"><EventList events=given::events() now with_repository=true /></Section>
        <Section title="A commit, opened"><CommitFold events=given::events().split_off(4) now open=true /></Section>
        <Section title="Changed fields"><FieldChanges changes=given::changes() total=9 /></Section>
        <Section title="Work">{jobs}</Section>
        <Section title="Tree"><Tree rows=given::tree() /></Section>
    }
    .into_any()
}

fn texts(data: GalleryData, url: PageUrl) -> AnyView {
    let fields = DiffHtml { mode: DiffMode::Fields, ..DiffHtml::default() };
    let diff_url = url.clone();
    let diff = move |diff: DiffHtml| {
        view! { <DiffView diff changes=given::changes() total=4 url=diff_url.clone() path="kubernetes/apps/grafana/helmrelease.yaml" /> }
    };
    let ranges = ["30d", "90d", "1y", "all"]
        .map(|range| Tab::new(range, url.with("range", range).href(), range == url.get("range").unwrap_or("90d")))
        .to_vec();
    view! {
        <Section title="Versions">
            <VersionTimeline versions=given::versions() from=Some(2) to=Some(4) url=url.clone() now=given::now() />
        </Section>
        <Section title="Activity"><ActivityChart buckets=given::buckets() options=data.chart ranges /></Section>
        <Section title="Activity without changes"><ActivityChart buckets=Vec::new() options="" /></Section>
        <Section title="Manifest">
            <YamlView yaml=data.yaml path="kubernetes/apps/grafana/helmrelease.yaml" web_url=Some("https://example.org".to_owned()) />
        </Section>
        <Section title="Differences">
            <div class="gallery-stack">{diff(data.unified)} {diff(data.split)} {diff(fields)}</div>
        </Section>
    }
    .into_any()
}

fn states() -> AnyView {
    let glyphs = given::GLYPHS.iter().map(|glyph| view! { <Icon glyph=*glyph /> }).collect_view();
    view! {
        <Section title="States">
            <Notice>"These are samples. Add your own in " <code>"kubestats.yaml"</code> "."</Notice>
            <Notice tone="warn">"Set aside: larger than 100 MB."</Notice>
            <Notice tone="bad">"The last sync failed: the remote did not answer within 30 s."</Notice>
            <EmptyState title="No events match">"Remove a filter, or look at " <a href="/resources">"all resources"</a> "."</EmptyState>
            <ErrorPanel error=AppError::Internal { id: "8c1f04ab22d1".to_owned() } what="The events" retry=Some("/dev/components".to_owned()) />
            <ErrorPanel error=AppError::NotFound { what: "repository".to_owned() } what="Repository" />
            <SkeletonBlock of="metrics" />
            <SkeletonRows rows=4 />
        </Section>
        <Section title="Icons"><p class="gallery-row">{glyphs}</p></Section>
    }
    .into_any()
}
