use entity::kind::JobState;
use entity::view::{Job, Timestamp};
use leptos::prelude::*;

use super::{JobStateBadge, MaybeTimeAgo, number_text, repository_href};

/// A bar; without a fraction it says only that work goes on.
#[component]
pub fn Progress(
    /// What is being done.
    #[prop(into)]
    label: String,
    /// Per cent, where both ends are known.
    percent: Option<u8>,
) -> impl IntoView {
    let width = percent.map(|percent| format!("inline-size: {percent}%"));
    view! {
        <span
            class="progress"
            class:unknown=percent.is_none()
            role="progressbar"
            aria-label=label
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=percent.map(|percent| percent.to_string())
        >
            <span class="progress-bar" style=width></span>
        </span>
    }
}

/// A job in a line: what, of which repository, how far, and what came of it.
#[component]
pub fn JobLine(
    /// The job.
    job: Job,
    /// The server's clock when the data was read.
    now: Timestamp,
    /// Name the repository: on pages that are not its own.
    #[prop(optional)]
    with_repository: bool,
    /// Lead to the run's own page.
    #[prop(optional)]
    linked: bool,
) -> impl IntoView {
    let percent = job.percent();
    let finished = job.state.is_finished();
    let figures = job.progress_done.zip(job.progress_total).filter(|_| !finished);
    let text =
        job.error.clone().or_else(|| job.result.clone().filter(|_| finished)).or_else(|| job.progress_text.clone());
    let repository = with_repository
        .then(|| job.repository_id.zip(job.repository_full_name.clone()))
        .flatten()
        .map(|(id, name)| view! { <a href=repository_href(id)>{name}</a> });
    let what = if linked {
        view! { <a href=format!("/tasks/{}", job.id)>{job.kind.label()}</a> }.into_any()
    } else {
        job.kind.label().into_any()
    };
    let time = job.finished_at.or(job.started_at).or(Some(job.created_at));
    view! {
        <div class="job" data-state=job.state.as_str()>
            <span class="job-what">{what} " " {repository}</span>
            <JobStateBadge state=job.state />
            {(job.state == JobState::Running).then(|| view! { <Progress label=job.kind.label() percent /> })}
            {figures
                .map(|(done, total)| {
                    view! { <span class="num quiet">{format!("{} / {}", number_text(done), number_text(total))}</span> }
                })}
            <span class="job-text" class:bad=job.error.is_some() title=text.clone()>{text.clone()}</span>
            <MaybeTimeAgo time now />
        </div>
    }
}
