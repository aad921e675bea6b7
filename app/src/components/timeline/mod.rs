mod drag;

use entity::view::{ResourceVersion, Timestamp};
use leptos::prelude::*;

use super::{
    EventTypeBadge, Glyph, Icon, PageUrl, SearchForm, TimeAgo, Version, commit_href, event::how, event_words, exact,
    short_sha,
};

/// Every state of a resource, newest first: points on a line by time, and a list in which two are chosen to compare.
/// The choice is `from` and `to` (numbers of versions) of the address.
#[component]
pub fn VersionTimeline(
    /// The states, newest first.
    versions: Vec<ResourceVersion>,
    /// Number of the older state chosen.
    #[prop(optional_no_strip, into)]
    from: Option<i64>,
    /// Number of the newer state chosen.
    #[prop(optional_no_strip, into)]
    to: Option<i64>,
    /// The address at hand.
    url: PageUrl,
    /// The server's clock when the data was read.
    now: Timestamp,
) -> impl IntoView {
    let points = points(&versions, from, to, &url);
    // What is chosen may stand on another page of the list; it stays chosen until another is.
    let elsewhere = |name: &'static str, chosen: Option<i64>| {
        let number = chosen.filter(|number| versions.iter().all(|version| version.number != *number))?;
        let text = format!("{name} #{number}, on another page");
        Some(view! {
            <label class="timeline-elsewhere"><input type="radio" name=name value=number.to_string() checked=true />{text}</label>
        })
    };
    let elsewhere = (elsewhere("from", from), elsewhere("to", to));
    let comparable = versions.len() > 1 || elsewhere.0.is_some() || elsewhere.1.is_some();
    let carried: Vec<_> = url
        .pairs()
        .iter()
        .filter(|(key, _)| key != "from" && key != "to")
        .map(|(key, value)| view! { <input type="hidden" name=key.clone() value=value.clone() /> })
        .collect();
    let rows: Vec<_> = versions.into_iter().map(|version| row(version, from, to, comparable, &url, now)).collect();
    view! {
        <SearchForm action=url.path().to_owned() class="timeline">
            {carried}
            {points}
            {comparable
                .then(|| {
                    view! {
                        <div class="timeline-head">
                            <span class="quiet">
                                "Choose an older and a newer version"
                                <span class="timeline-hint">", or drag one point of the line to another"</span> "."
                            </span>
                            {elsewhere.0}
                            {elsewhere.1}
                            <button type="submit" class="button"><Icon glyph=Glyph::Compare />"Compare"</button>
                        </div>
                    }
                })}
            <ol class="timeline-rows">{rows}</ol>
        </SearchForm>
    }
}

/// The address of what a version changed, on the same page of the list.
fn of_version(url: &PageUrl, number: i64) -> String {
    let before = if number > 1 { (number - 1).to_string() } else { String::new() };
    url.with_same_rows("from", before).with_same_rows("to", number.to_string()).href()
}

/// The states as points, placed by time; each links to what it changed.
fn points(versions: &[ResourceVersion], from: Option<i64>, to: Option<i64>, url: &PageUrl) -> Option<AnyView> {
    // More points than this touch each other and say nothing; the list below has them all.
    const MOST: usize = 120;
    let newest = versions.iter().map(|v| v.event.event_timestamp).max()?;
    let oldest = versions.iter().map(|v| v.event.event_timestamp).min()?;
    if versions.len() < 2 {
        return None;
    }
    let drag = drag::dragging(url.clone());
    let mut later = newest;
    let points: Vec<_> = versions
        .iter()
        .take(MOST)
        .map(|version| {
            // Gaps grow with the time between; a point never gets smaller than a finger needs.
            let hours = (later - version.event.event_timestamp).num_hours().max(0);
            later = version.event.event_timestamp;
            let gap = format!("flex-grow: {hours}");
            let (_, word, tone) = event_words(version.event.event_type);
            let label = format!(
                "Version {}: {word} {}{}",
                version.number,
                exact(version.event.event_timestamp),
                version.event.version_after.as_ref().map(|v| format!(", {v}")).unwrap_or_default()
            );
            let chosen = (from == Some(version.number) || to == Some(version.number)).then_some("true");
            let href = of_version(url, version.number);
            view! {
                <span class="gap" style=gap></span>
                <a class="point" data-tone=tone data-version=version.number.to_string() href=href title=label.clone() aria-label=label aria-current=chosen></a>
            }
        })
        .collect();
    Some(
        view! {
            <div class="timeline-line">
                <div class="timeline-scroll">
                    <div class="timeline-strip">
                        // A link that is dragged by the browser would be another drag.
                        <div class="timeline-points" on:pointerdown=drag on:dragstart=|event| event.prevent_default()>{points}</div>
                        <div class="timeline-ends quiet">
                            <span>{oldest.format("%Y-%m-%d").to_string()}</span>
                            <span>{newest.format("%Y-%m-%d").to_string()}</span>
                        </div>
                    </div>
                </div>
            </div>
        }
        .into_any(),
    )
}

fn row(
    version: ResourceVersion,
    from: Option<i64>,
    to: Option<i64>,
    comparable: bool,
    url: &PageUrl,
    now: Timestamp,
) -> impl IntoView + use<> {
    let ResourceVersion { number, event, web_url, .. } = version;
    let choose = comparable.then(|| {
        view! {
            <span class="timeline-choose">
                <input type="radio" name="from" value=number.to_string() checked=from == Some(number) aria-label=format!("Compare from version {number}") />
                <input type="radio" name="to" value=number.to_string() checked=to == Some(number) aria-label=format!("Compare to version {number}") />
            </span>
        }
    });
    // What stayed the same version still says which one it was.
    let is_kept = event.version_after.is_some() && event.version_before == event.version_after;
    let how = if is_kept && event.version_step().is_none() {
        view! { <Version version=event.version_after.clone() /> }.into_any()
    } else {
        how(&event)
    };
    let compare = of_version(url, number);
    let chosen = from == Some(number) || to == Some(number);
    view! {
        <li class="timeline-row" class:chosen=chosen>
            {choose}
            <a class="timeline-number num" href=compare aria-label=format!("What version {number} changed")>{format!("#{number}")}</a>
            <EventTypeBadge event_type=event.event_type compact=true />
            <span class="event-how">{how}</span>
            <span class="timeline-subject" title=event.commit_subject.clone()>{event.commit_subject.clone()}</span>
            <span class="event-who" title=event.author_name.clone()>{event.author_name.clone()}</span>
            <a class="sha" href=commit_href(event.repository_id, &event.commit) aria-label=format!("Commit {}", short_sha(&event.commit))>
                {short_sha(&event.commit)}
            </a>
            {web_url
                .map(|url| {
                    view! {
                        <a class="icon-button" href=url rel="noopener external" aria-label="Open on the forge" title="Open on the forge">
                            <Icon glyph=Glyph::External />
                        </a>
                    }
                })}
            <TimeAgo time=event.event_timestamp now />
        </li>
    }
}
