mod data;

use entity::view::SystemState;
use leptos::prelude::*;

use self::data::read_system_state;
use super::load::Data;
use crate::components::{counted, number_text};
use crate::live::{Live, live_version};
use crate::reload::is_outdated;

/// The state of the system in one line, at the foot of the rail.
#[component]
pub fn SystemLine() -> impl IntoView {
    let news = live_version(|live| matches!(live, Live::Job { .. } | Live::Repository { .. }));
    let state = Data::<SystemState>::new_with_options(move || news.get(), |_| read_system_state(), true);
    // What was known stays where news can't be had, which another line tells.
    let known = StoredValue::new(None);
    view! {
        <Transition fallback=|| view! { <p class="system-line quiet">"…"</p> }>
            {move || Suspend::new(async move {
                let told = state.await.ok().filter(|_| !is_outdated());
                if told.is_some() {
                    known.try_set_value(told);
                }
                match known.try_get_value().flatten() {
                    Some(state) => line(&state),
                    None => view! { <p class="system-line quiet">"State not known"</p> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn line(state: &SystemState) -> AnyView {
    let text = if state.running_jobs > 0 {
        format!("Working on {} of {}", number_text(state.running_jobs), number_text(state.repositories))
    } else if state.queued_jobs > 0 {
        counted(state.queued_jobs, "job waits", "jobs wait")
    } else {
        counted(state.repositories, "repository", "repositories")
    };
    let failing = (state.failing_repositories > 0).then(|| {
        view! {
            <a class="bad" href="/repositories?status=error">{number_text(state.failing_repositories)} " failing"</a>
        }
    });
    let waiting = (state.running_jobs > 0 && state.queued_jobs > 0)
        .then(|| format!("{} waiting", number_text(state.queued_jobs)));
    view! {
        <p class="system-line" title="What Kubestats does now">
            <span>{text}</span>
            {waiting.map(|text| view! { <span class="quiet">{text}</span> })}
            {failing}
        </p>
    }
    .into_any()
}
