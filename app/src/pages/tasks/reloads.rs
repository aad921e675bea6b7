//! When the configuration was read again, and what came of it.

use entity::kind::{Permission, ReloadCause, ReloadOutcome};
use entity::view::{ConfigProblem, ConfigReload, Timestamp};
use leptos::form::ActionForm;
use leptos::prelude::*;

use super::Reload;
use crate::components::{Glyph, Section, Table, TimeAgo, counted, status};
use crate::viewer::may;

/// The last reloads of all processes, and the button for another of the one that answers.
pub(super) fn reloads(reloads: Vec<ConfigReload>, now: Timestamp) -> AnyView {
    let button = use_context::<Reload>().filter(|_| may(Permission::Admin)).map(|Reload(action)| {
        view! {
            <ActionForm action>
                <button type="submit" class="button small">"Read it again"</button>
            </ActionForm>
        }
    });
    if reloads.is_empty() && button.is_none() {
        return ().into_any();
    }
    let list = if reloads.is_empty() {
        view! { <p class="quiet">"No process has read it again so far. That happens when a file of it changes, and at SIGHUP."</p> }
            .into_any()
    } else {
        view! {
            <Table caption="When the configuration was read again">
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Process"</th>
                        <th scope="col">"Why"</th>
                        <th scope="col">"Outcome"</th>
                        <th scope="col" class="wide">"Details"</th>
                    </tr>
                </thead>
                <tbody>{reloads.into_iter().map(|reload| row(reload, now)).collect_view()}</tbody>
            </Table>
        }
        .into_any()
    };
    view! {
        <Section title="Configuration" id="configuration">
            {list}
            {button}
        </Section>
    }
    .into_any()
}

fn row(reload: ConfigReload, now: Timestamp) -> AnyView {
    let why = match reload.cause {
        ReloadCause::Signal => "SIGHUP",
        ReloadCause::File => "a file changed",
        ReloadCause::Request => "somebody asked",
    };
    let (tone, glyph, word) = match reload.outcome {
        ReloadOutcome::Applied => ("good", Glyph::Check, "In force"),
        ReloadOutcome::Unchanged => ("idle", Glyph::Check, "Nothing changed"),
        ReloadOutcome::Refused => ("bad", Glyph::Failed, "Refused"),
    };
    let keys = |label: &'static str, keys: Vec<String>| {
        (!keys.is_empty())
            .then(|| view! { <p><span class="quiet">{label} " "</span><code>{keys.join(", ")}</code></p> })
    };
    let errors = (reload.error_count > 0).then(|| {
        let count = counted(i64::from(reload.error_count), "error", "errors");
        let shown = u32::try_from(reload.errors.len()).unwrap_or(u32::MAX);
        let problem = |problem: ConfigProblem| view! { <li>{problem.to_string()}</li> };
        let list = (!reload.errors.is_empty())
            .then(|| view! { <ul>{reload.errors.into_iter().map(problem).collect_view()}</ul> });
        let more = (shown > 0 && shown < reload.error_count).then(|| {
            let rest = counted(i64::from(reload.error_count - shown), "more", "more");
            view! { <p class="quiet">{rest} " in the log of that process"</p> }
        });
        view! { <p class="bad">{count} ": the configuration before stays in force"</p> {list} {more} }
    });
    view! {
        <tr>
            <th scope="row" data-label="When"><TimeAgo time=reload.at now /></th>
            <td data-label="Process"><span title=reload.worker>{reload.host}</span></td>
            <td data-label="Why">{why} {reload.asked_by.map(|who| view! { <span class="quiet">" (" {who} ")"</span> })}</td>
            <td data-label="Outcome">{status(tone, glyph, word)}</td>
            <td class="wide" data-label="Details">
                {keys("Changed:", reload.applied)}
                {keys("Needs a restart:", reload.needs_restart)}
                {errors}
            </td>
        </tr>
    }
    .into_any()
}
