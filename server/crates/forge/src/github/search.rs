//! Searches past GitHub's limit of 1,000 results, with hardly a request more than there are pages.
//!
//! Results come newest push first. After 1,000 of them the search goes on with `pushed:<=` the oldest one seen, so every page
//! that is asked for brings new repositories but for those of that one second. That the order is what we take it for is
//! checked by counting: if fewer are left than there should be, repositories were missed, and the span that was read is
//! searched again in halves.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::wire::Repository;
use crate::error::ForgeError;
use crate::exchange::{Answer, Ask, Exchange};
use crate::facts::{Cursor, Facts, Search, SearchPage};

/// The most that one page has.
const PAGE: u64 = 100;
/// The most that one search gives.
const LISTED: u64 = 1_000;
/// Pushes while we read move repositories to the front; so many missing ones are the next run's.
const DRIFT: u64 = 10;
/// Searches that a cursor may still hold; more are nonsense.
const MAX_SLICES: usize = 500;

#[derive(Serialize, Deserialize)]
struct Found {
    total_count: u64,
    #[serde(default)]
    incomplete_results: bool,
    items: Vec<Repository>,
}

/// A span of time, both ends included, to the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<DateTime<Utc>>,
}

impl Span {
    /// ` pushed:2024-01-01T00:00:00Z..2024-02-01T00:00:00Z`, or nothing.
    fn qualifier(&self, field: &str) -> String {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        match (self.from, self.to) {
            (None, None) => String::new(),
            (Some(from), None) => format!(" {field}:>={}", text(from)),
            (None, Some(to)) => format!(" {field}:<={}", text(to)),
            (Some(from), Some(to)) => format!(" {field}:{}..{}", text(from), text(to)),
        }
    }

    /// Two halves without a second in common; `None` where there is only one second.
    fn halves(&self, newest: DateTime<Utc>) -> Option<(Span, Span)> {
        let from = self.from.or_else(|| DateTime::from_timestamp(FIRST_DAY, 0))?;
        let to = self.to.unwrap_or_else(|| newest.max(from + TimeDelta::days(365)));
        let seconds = (to - from).num_seconds();
        if seconds < 1 {
            return None;
        }
        let middle = from + TimeDelta::seconds(seconds / 2);
        let newer = Span { from: Some(middle + TimeDelta::seconds(1)), to: self.to };
        Some((newer, Span { from: self.from, to: Some(middle) }))
    }
}

/// GitHub opened in 2008; nothing on it is older than 2007.
const FIRST_DAY: i64 = 1_167_609_600;

/// A part of the search, and how far it is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Slice {
    #[serde(default)]
    pushed: Span,
    #[serde(default)]
    created: Span,
    /// The next page, from 1.
    page: u64,
    /// How many the first page said there are.
    #[serde(default)]
    total: u64,
    /// The oldest and newest push seen, and how many were pushed at that oldest second.
    #[serde(default)]
    oldest: Option<DateTime<Utc>>,
    #[serde(default)]
    newest: Option<DateTime<Utc>>,
    #[serde(default)]
    seen: u64,
    #[serde(default)]
    at_oldest: u64,
    /// The order was found not to be that of pushes: larger slices are halved at once.
    #[serde(default)]
    halve: bool,
    /// What the slice before expects of this one: so many at least, else its own span is read again.
    #[serde(default)]
    expected: Option<Expected>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Expected {
    least: u64,
    span: Span,
    created: Span,
}

/// What is still to be read; the last slice is the current one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Plan {
    slices: Vec<Slice>,
    /// Some second has more repositories than can be listed.
    #[serde(default)]
    incomplete: bool,
    /// How many the whole search has.
    #[serde(default)]
    total: Option<u64>,
}

pub(super) async fn step(
    exchange: &Exchange,
    search: &Search,
    cursor: Option<&Cursor>,
) -> Result<SearchPage, ForgeError> {
    // A cursor that cannot be read is of another version: the search begins anew.
    let kept = cursor.and_then(|cursor| serde_json::from_str::<Plan>(&cursor.0).ok());
    let mut plan =
        kept.filter(|plan| !plan.slices.is_empty() && plan.slices.len() <= MAX_SLICES).unwrap_or_else(Plan::new);
    let slice = plan.current();
    let (query, page) = (slice.query(search), slice.page);
    let what = format!("page {page} of the search {query:?}");
    let mut url = exchange.url(&["search", "repositories"]);
    url.query_pairs_mut()
        .append_pair("q", &query)
        .append_pair("sort", "updated")
        .append_pair("order", "desc")
        .append_pair("per_page", &PAGE.to_string())
        .append_pair("page", &page.to_string());
    let ask = Ask { what: &what, resource: "search", url, body: None };
    let (found, unchanged) = match exchange.ask::<Found>(&ask).await? {
        Answer::Here { value, unchanged, .. } => (value, unchanged),
        Answer::Gone(_) => return Err(exchange.unreadable(&ask, "there is no search at this address".to_owned())),
    };
    let facts: Vec<Facts> = found.items.into_iter().map(Repository::into_facts).collect();
    plan.advance(found.total_count, facts.iter().map(|facts| facts.pushed_at));
    let incomplete = found.incomplete_results || (plan.slices.is_empty() && plan.incomplete);
    let next = match plan.slices.is_empty() {
        true => None,
        false => {
            Some(Cursor(serde_json::to_string(&plan).map_err(|error| exchange.unreadable(&ask, error.to_string()))?))
        }
    };
    Ok(SearchPage { found: facts, next, total: plan.total, incomplete, unchanged })
}

impl Plan {
    fn new() -> Self {
        Self { slices: vec![Slice::whole()], incomplete: false, total: None }
    }

    fn current(&self) -> Slice {
        self.slices.last().cloned().unwrap_or_else(Slice::whole)
    }

    /// Takes in a page of the current slice: how many there are, and when each was pushed.
    fn advance(&mut self, total: u64, pushed: impl Iterator<Item = Option<DateTime<Utc>>>) {
        let Some(mut slice) = self.slices.pop() else { return };
        let mut read = 0;
        for at in pushed {
            read += 1;
            let Some(at) = at else { continue };
            slice.newest = slice.newest.max(Some(at));
            match slice.oldest {
                Some(oldest) if oldest < at => {}
                Some(oldest) if oldest == at => slice.at_oldest += 1,
                _ => (slice.oldest, slice.at_oldest) = (Some(at), 1),
            }
        }
        slice.seen += read;
        if slice.page == 1 {
            slice.total = total;
            self.total = self.total.or(Some(total));
            if let Some(expected) = slice.expected.take()
                && total + DRIFT < expected.least
            {
                // Some of the slice before were not shown there: read it in halves, after this one.
                self.slices.push(Slice {
                    pushed: expected.span,
                    created: expected.created,
                    halve: true,
                    ..Slice::whole()
                });
            }
            if slice.halve && total > LISTED {
                return self.halve(&slice);
            }
        }
        let pages = slice.total.min(LISTED).div_ceil(PAGE);
        if read > 0 && slice.page < pages {
            slice.page += 1;
            return self.slices.push(slice);
        }
        if slice.total > LISTED && read > 0 {
            self.go_on(&slice);
        }
    }

    /// The slice has more than are listed: the rest was pushed at or before the oldest seen.
    fn go_on(&mut self, slice: &Slice) {
        let Some(oldest) = slice.oldest else { return self.halve(slice) };
        // All that are listed were pushed within one second: only another date tells them apart.
        if slice.newest.is_none_or(|newest| newest <= oldest) {
            return self.halve(slice);
        }
        let left = slice.total.saturating_sub(slice.seen) + slice.at_oldest;
        let newer = Span { from: Some(oldest + TimeDelta::seconds(1)), to: slice.pushed.to };
        self.slices.push(Slice {
            pushed: Span { from: slice.pushed.from, to: Some(oldest) },
            created: slice.created,
            expected: Some(Expected { least: left, span: newer, created: slice.created }),
            ..Slice::whole()
        });
    }

    fn halve(&mut self, slice: &Slice) {
        let whole = || Slice { halve: true, ..Slice::whole() };
        // The newest push that the first page shows stands for today, so that the same halves are asked for again.
        let newest = slice.newest.unwrap_or_default() + TimeDelta::days(1);
        let is_second = slice.newest.is_some() && slice.newest == slice.oldest && slice.page > 1;
        let by_push = if is_second { None } else { slice.pushed.halves(newest) };
        if let Some((newer, older)) = by_push {
            self.slices.push(Slice { pushed: older, created: slice.created, ..whole() });
            self.slices.push(Slice { pushed: newer, created: slice.created, ..whole() });
        } else if let Some((newer, older)) = slice.created.halves(newest) {
            self.slices.push(Slice { pushed: slice.pushed, created: older, ..whole() });
            self.slices.push(Slice { pushed: slice.pushed, created: newer, ..whole() });
        } else {
            self.incomplete = true;
        }
    }
}

impl Slice {
    fn whole() -> Self {
        Self { page: 1, ..Self::default() }
    }

    fn query(&self, search: &Search) -> String {
        format!("{search}{}{}", self.pushed.qualifier("pushed"), self.created.qualifier("created"))
    }
}

#[cfg(test)]
mod tests;
