use entity::view::{Discovery, DiscoveryRun, DiscoverySearch, DiscoverySettings, Timestamp};
use leptos::prelude::*;

use crate::components::{EmptyState, Glyph, Number, Section, Table, TimeAgo, counted, number_text, status_about};

/// Each search of the run that goes on or ended last, and the rules that what it finds passes.
pub(super) fn view(discovery: &Discovery, now: Timestamp) -> AnyView {
    let run = discovery.current.as_ref().or(discovery.last.as_ref());
    let when = run.map(|run| {
        let word = if run.finished_at.is_some() { "as of the search that began " } else { "the search goes on since " };
        view! { <span class="quiet">{word} <TimeAgo time=run.started_at now /></span> }.into_any()
    });
    let planned = planned(&discovery.settings);
    let searches = run.map_or(planned, |run| run.searches.clone());
    let is_planned = run.is_none();
    let rules = rules(&discovery.settings);
    let list = if searches.is_empty() {
        view! {
            <EmptyState title="Nothing is searched">
                <p>"Searches come from " <code>"discovery.topics"</code> " and " <code>"discovery.queries"</code> " in the configuration."</p>
            </EmptyState>
        }
        .into_any()
    } else {
        table(searches, is_planned)
    };
    view! {
        <Section title="What is searched" aside=when.unwrap_or_else(|| ().into_any())>
            {list}
            {rules}
        </Section>
    }
    .into_any()
}

/// What the next search will look for; nothing is known of what it will find.
fn planned(settings: &DiscoverySettings) -> Vec<DiscoverySearch> {
    if !settings.enabled {
        return Vec::new();
    }
    let searches = |host: &String| {
        let topics = settings.topics.iter().map(|topic| format!("topic:{topic}"));
        let all = topics.chain(settings.queries.iter().cloned());
        let host = host.clone();
        all.map(move |search| DiscoverySearch { host: host.clone(), search, ..DiscoverySearch::default() })
    };
    settings.hosts.iter().flat_map(searches).collect()
}

fn table(searches: Vec<DiscoverySearch>, is_planned: bool) -> AnyView {
    let row = move |search: DiscoverySearch| {
        let (tone, glyph, word, title) = state(&search, is_planned);
        let total = search.total.map(|total| view! { <span class="quiet">" of " {number_text(total)}</span> });
        let found =
            if is_planned { "–".into_any() } else { view! { <Number value=search.found /> {total} }.into_any() };
        let unchanged =
            (search.unchanged > 0).then(|| format!("{} of them: nothing new", number_text(search.unchanged)));
        let error = search.error.map(|error| view! { <span class="row-about bad">{error}</span> });
        view! {
            <tr>
                <th scope="row" data-label="Forge">{search.host}</th>
                <td data-label="Search"><code>{search.search}</code> {error}</td>
                <td class="num" data-label="Read">{found}</td>
                <td class="num" data-label="Requests" title=unchanged><Number value=search.requests /></td>
                <td data-label="State">{status_about(tone, glyph, word, title.map(str::to_owned))}</td>
            </tr>
        }
    };
    view! {
        <Table caption="Searches">
            <thead>
                <tr>
                    <th scope="col">"Forge"</th>
                    <th scope="col">"Search"</th>
                    <th scope="col" class="num" title="The same repository may come by more than one search">"Read"</th>
                    <th scope="col" class="num">"Requests"</th>
                    <th scope="col">"State"</th>
                </tr>
            </thead>
            <tbody>{searches.into_iter().map(row).collect_view()}</tbody>
        </Table>
    }
    .into_any()
}

fn state(search: &DiscoverySearch, is_planned: bool) -> (&'static str, Glyph, &'static str, Option<&'static str>) {
    if is_planned {
        return ("idle", Glyph::Clock, "Not run yet", None);
    }
    if search.error.is_some() {
        return ("bad", Glyph::Failed, "Failed", None);
    }
    if search.incomplete {
        let title = "The forge did not let us see all that it has; more may be there";
        return ("warn", Glyph::Warning, "Incomplete", Some(title));
    }
    if search.done { ("good", Glyph::Check, "Whole", None) } else { ("busy", Glyph::Busy, "Under way", None) }
}

/// What a repository must pass to be taken in.
fn rules(settings: &DiscoverySettings) -> AnyView {
    let days = counted(settings.max_age_days, "day", "days");
    let yes = |allowed: bool| if allowed { "taken in" } else { "left out" };
    let block = match settings.block.is_empty() {
        true => view! { <span class="quiet">"nothing"</span> }.into_any(),
        false => settings
            .block
            .iter()
            .map(|pattern| view! { <code class="tag">{pattern.clone()}</code> " " })
            .collect_view()
            .into_any(),
    };
    view! {
        <dl class="rules" aria-label="Rules for what is found">
            <div><dt>"Last push"</dt><dd>"at most " {days} " ago" <code>"discovery.max_age"</code></dd></div>
            <div>
                <dt>"Size"</dt>
                <dd>"over " {number_text(settings.max_repository_size_mb)} " MB waits for approval" <code>"scan.max_repository_size_mb"</code></dd>
            </div>
            <div><dt>"Archived"</dt><dd>{yes(settings.archived)} <code>"discovery.archived"</code></dd></div>
            <div><dt>"Forks"</dt><dd>{yes(settings.forks)} <code>"discovery.forks"</code></dd></div>
            <div><dt>"Blocked"</dt><dd>{block} <code>"discovery.block"</code></dd></div>
        </dl>
    }
    .into_any()
}

/// The runs that ended, newest first.
pub(super) fn runs(runs: Vec<DiscoveryRun>, now: Timestamp) -> AnyView {
    if runs.is_empty() {
        return ().into_any();
    }
    let row = move |run: DiscoveryRun| {
        let took = run.finished_at.map_or(0, |end| (end - run.started_at).num_seconds().max(0));
        let took = if took < 60 { format!("{took} s") } else { format!("{} min {} s", took / 60, took % 60) };
        let saved = (run.unchanged > 0).then(|| format!("{} of them: nothing new", number_text(run.unchanged)));
        view! {
            <tr>
                <th scope="row" data-label="Began"><TimeAgo time=run.started_at now /></th>
                <td class="num" data-label="Took">{took}</td>
                <td class="num" data-label="Found"><Number value=run.found /></td>
                <td class="num" data-label="Known"><Number value=run.known /></td>
                <td class="num" data-label="New"><Number value=run.accepted /></td>
                <td class="num" data-label="To approve"><Number value=run.set_aside /></td>
                <td class="num" data-label="Left out"><Number value=run.rejected /></td>
                <td class="num" data-label="Requests" title=saved><Number value=run.requests /></td>
            </tr>
        }
    };
    view! {
        <Section title="Last searches">
            <Table caption="The last searches">
                <thead>
                    <tr>
                        <th scope="col">"Began"</th>
                        <th scope="col" class="num">"Took"</th>
                        <th scope="col" class="num">"Found"</th>
                        <th scope="col" class="num">"Known"</th>
                        <th scope="col" class="num">"New"</th>
                        <th scope="col" class="num">"To approve"</th>
                        <th scope="col" class="num">"Left out"</th>
                        <th scope="col" class="num">"Requests"</th>
                    </tr>
                </thead>
                <tbody>{runs.into_iter().map(row).collect_view()}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}
