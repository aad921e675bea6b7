use entity::kind::Permission;
use entity::view::Timestamp;
use leptos::prelude::*;

use super::data::{TriggerRow, TriggersData, read_triggers};
use super::parts::{kind_word, origin, spark, success_text, switch_badge, trigger_href, warning};
use super::{load, show};
use crate::components::{
    Breadcrumb, Crumb, EmptyState, Glyph, MaybeTimeAgo, PageHead, PageUrl, SkeletonBlock, SkeletonRows, Table, counted,
    number_text,
};
use crate::live::Live;
use crate::pages::outcome::outcome;
use crate::viewer::may;

/// `/triggers`
#[component]
pub fn TriggerList() -> impl IntoView {
    let page = load(|_, query| read_triggers(query), |_, live| matches!(live, Live::Trigger { .. }));
    show(page, "The triggers", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=8 />
    }
    .into_any()
}

fn view(data: TriggersData, _: PageUrl) -> AnyView {
    let TriggersData { now, triggers, outcome: told } = data;
    let manages = may(Permission::ManagePipelines);
    let count = i64::try_from(triggers.len()).unwrap_or(i64::MAX);
    let on = i64::try_from(triggers.iter().filter(|trigger| trigger.is_enabled).count()).unwrap_or(i64::MAX);
    let facts = (count > 0).then(|| {
        view! { <span class="quiet">{number_text(on)} " of " {counted(count, "trigger is", "triggers are")} " on"</span> }
            .into_any()
    });
    let list = if triggers.is_empty() { empty(manages) } else { table(triggers, now) };
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Triggers")] />
        <PageHead title="Triggers" facts=facts.into_any()>
            {manages.then(|| view! { <a class="button primary" href="/triggers/new">"Add trigger"</a> })}
        </PageHead>
        {outcome(told)}
        {list}
    }
    .into_any()
}

fn empty(manages: bool) -> AnyView {
    let how = if manages {
        view! {
            <p>
                <a href="/triggers/new">"Add one here"</a> ", or name them under " <code>"triggers:"</code> " in "
                <code>"kubestats.yaml"</code> "."
            </p>
        }
        .into_any()
    } else {
        view! { <p>"Somebody who may manage pipelines has to sign in first."</p> }.into_any()
    };
    view! {
        <EmptyState title="No triggers yet" glyph=Glyph::Trigger>
            <p>"A trigger tells another program of changes of branches: Tekton, Flux, a webhook, GitHub or GitLab."</p>
            {how}
        </EmptyState>
    }
    .into_any()
}

fn table(triggers: Vec<TriggerRow>, now: Timestamp) -> AnyView {
    let rows = triggers.into_iter().map(|trigger| row(trigger, now)).collect_view();
    view! {
        <Table caption="Triggers">
            <thead>
                <tr>
                    <th scope="col">"Trigger"</th>
                    <th scope="col">"State"</th>
                    <th scope="col">"Tells"</th>
                    <th scope="col" class="num" title="Of deliveries that ended in 30 days">"Arrived"</th>
                    <th scope="col" class="num">"Failed"</th>
                    <th scope="col">"30 days"</th>
                    <th scope="col">"Last delivery"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

fn row(trigger: TriggerRow, now: Timestamp) -> AnyView {
    let ended = format!("{} of {}", number_text(trigger.delivered), number_text(trigger.delivered + trigger.failed));
    let about = trigger.about.join(" · ");
    view! {
        <tr>
            <th scope="row" class="row-link trigger-name" data-label="Trigger">
                <a href=trigger_href(trigger.id)>{trigger.name.clone()}</a>
                " " {origin(&trigger)}
                <span class="quiet cut" title=about.clone()>{about.clone()}</span>
            </th>
            <td data-label="State">{switch_badge(&trigger)} " " {warning(&trigger)}</td>
            <td data-label="Tells">{kind_word(trigger.kind)} " " <span class="quiet">{trigger.place.clone()}</span></td>
            <td data-label="Arrived" class="num" title=ended>{success_text(&trigger)}</td>
            <td data-label="Failed" class="num">{number_text(trigger.failed)}</td>
            <td data-label="30 days">{spark(&trigger.days)}</td>
            <td data-label="Last delivery"><MaybeTimeAgo time=trigger.last_delivery_at now /></td>
        </tr>
    }
    .into_any()
}
