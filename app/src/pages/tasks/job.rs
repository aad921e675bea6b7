use entity::kind::{JobState, Permission, RequestedBy};
use entity::view::{Job as View, JobLogLine, Timestamp};
use leptos::form::ActionForm;
use leptos::prelude::*;

use super::data::{CancelJob, JobData, find_job};
use crate::busy::Busy;
use crate::components::{
    ActFailed, Breadcrumb, Crumb, EmptyState, JobStateBadge, MaybeTimeAgo, Notice, PageHead, PageUrl, Progress,
    Section, SkeletonBlock, SkeletonRows, TimeAgo, counted, exact, number_text, repository_href,
};
use crate::live::Live;
use crate::pages::{load, show};
use crate::viewer::may;

#[derive(Clone, Copy)]
struct Cancel(ServerAction<CancelJob>);

/// `/tasks/{id}`: one run with everything that it said.
#[component]
pub fn Job() -> impl IntoView {
    let page = load(|path, _| find_job(path.get("id").unwrap_or_default()), |_, live| matches!(live, Live::Job { .. }));
    let cancel = Cancel(ServerAction::new());
    if let Some(busy) = use_context::<Busy>() {
        busy.wait_while(move || cancel.0.pending().get());
    }
    provide_context(cancel);
    Effect::new(move |asked: Option<usize>| {
        let now = cancel.0.version().get();
        if asked.is_some_and(|before| before != now) {
            page.refetch();
        }
        now
    });
    show(page, "The run", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=12 />
    }
    .into_any()
}

fn view(data: JobData, _: PageUrl) -> AnyView {
    let JobData { now, detail } = data;
    let job = detail.job;
    let what = job.kind.label();
    let title = job.repository_full_name.as_ref().map_or_else(|| what.to_owned(), |name| format!("{what}: {name}"));
    let button = (!job.state.is_finished() && may(Permission::RunJobs)).then(|| cancel(&job));
    let failed = use_context::<Cancel>().map(|Cancel(action)| view! { <ActFailed action /> });
    view! {
        <Breadcrumb crumbs=vec![Crumb::link("Tasks", "/tasks"), Crumb::here(title.clone())] />
        <PageHead title facts=facts(&job, now)>{button}</PageHead>
        {failed}
        {outcome(&job)}
        {log(detail.log, detail.log_lines_dropped, job.state.is_finished())}
    }
    .into_any()
}

fn cancel(job: &View) -> AnyView {
    let Some(Cancel(action)) = use_context::<Cancel>() else { return ().into_any() };
    let id = job.id.to_string();
    view! {
        <ActionForm action>
            <input type="hidden" name="job_id" value=id />
            <button type="submit" class="button">"Cancel"</button>
        </ActionForm>
    }
    .into_any()
}

fn facts(job: &View, now: Timestamp) -> AnyView {
    let repository = job.repository_id.zip(job.repository_full_name.clone()).map(|(id, name)| {
        view! { <a href=repository_href(id)>{name}</a> }
    });
    let asked = match job.requested_by {
        RequestedBy::Start => "asked for at the start",
        RequestedBy::Page => "asked for on a page",
        RequestedBy::Api => "asked for through the API",
        RequestedBy::Cli => "asked for on the command line",
        RequestedBy::Schedule => "asked for by a schedule",
        RequestedBy::Job => "asked for by another job",
        RequestedBy::Webhook => "asked for by a webhook",
    };
    let tries =
        (job.attempts > 1).then(|| view! { <span>"try " <span class="num">{job.attempts.to_string()}</span></span> });
    let took = job.started_at.zip(job.finished_at).map(|(from, to)| {
        let milliseconds = (to - from).num_milliseconds().max(0);
        let text = match milliseconds {
            0..1_000 => format!("{milliseconds} ms"),
            1_000..60_000 => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
            _ => format!("{} min {} s", number_text(milliseconds / 60_000), milliseconds % 60_000 / 1_000),
        };
        view! { <span class="fact"><span class="quiet">"took "</span><span class="num">{text}</span></span> }
    });
    let due = (job.state == JobState::Queued && job.run_at > now).then(|| {
        view! { <span class="fact"><span class="quiet">"runs "</span><TimeAgo time=job.run_at now /></span> }
    });
    let worker = job.worker.clone().map(|worker| view! { <span class="quiet">"on " <code>{worker}</code></span> });
    view! {
        <div class="facts">
            <JobStateBadge state=job.state />
            {repository}
            <span class="quiet">{asked} " " <TimeAgo time=job.created_at now /></span>
            {due}
            <span class="fact"><span class="quiet">"started "</span><MaybeTimeAgo time=job.started_at now none="not yet" /></span>
            {took} {tries} {worker}
        </div>
    }
    .into_any()
}

/// How far it is, what came of it, or why it failed.
fn outcome(job: &View) -> AnyView {
    let running = (job.state == JobState::Running).then(|| {
        let figures = job.progress_done.zip(job.progress_total).map(|(done, total)| {
            view! { <span class="num quiet">{format!("{} / {}", number_text(done), number_text(total))}</span> }
        });
        let text = job.progress_text.clone().unwrap_or_else(|| "under way".to_owned());
        let percent = job.percent();
        view! {
            <p class="job-progress" aria-live="polite">
                <Progress label=text.clone() percent />
                <span>{text}</span>
                {figures}
            </p>
        }
    });
    let error = job.error.clone().map(|error| {
        let tone = if job.state == JobState::Failed { "bad" } else { "warn" };
        view! { <Notice tone>{error}</Notice> }
    });
    let result = job.result.clone().map(|result| view! { <p class="job-result">{result}</p> });
    view! { {running} {error} {result} }.into_any()
}

fn log(lines: Vec<JobLogLine>, dropped: i64, finished: bool) -> AnyView {
    if lines.is_empty() {
        let title = if finished { "It logged nothing" } else { "It has logged nothing so far" };
        return view! {
            <Section title="Log">
                <EmptyState title />
            </Section>
        }
        .into_any();
    }
    let dropped = (dropped > 0).then(|| {
        view! { <p class="quiet">{counted(dropped, "more line was", "more lines were")} " not kept"</p> }
    });
    let line = |line: JobLogLine| {
        let level = line.level.clone();
        view! {
            <li data-level=level>
                <time class="num" datetime=line.at.to_rfc3339() title=exact(line.at)>{line.at.format("%H:%M:%S").to_string()}</time>
                <span class="log-level">{line.level}</span>
                <span class="log-text">{line.text}</span>
            </li>
        }
    };
    view! {
        <Section title="Log">
            <ol class="log">{lines.into_iter().map(line).collect_view()}</ol>
            {dropped}
        </Section>
    }
    .into_any()
}
