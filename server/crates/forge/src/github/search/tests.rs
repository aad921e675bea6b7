//! The plan against an index in memory that answers as GitHub's search does.

use std::collections::BTreeSet;

use super::*;

#[derive(Clone, Copy)]
struct Entry {
    id: u64,
    pushed: i64,
    created: i64,
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_600_000_000 + seconds, 0).unwrap()
}

fn within(span: &Span, seconds: i64) -> bool {
    span.from.is_none_or(|from| at(seconds) >= from) && span.to.is_none_or(|to| at(seconds) <= to)
}

/// Reads everything; gives the ids and the number of requests.
fn read(index: &[Entry], sorted: bool) -> (BTreeSet<u64>, u64, bool) {
    let mut plan = Plan::new();
    let (mut ids, mut requests) = (BTreeSet::new(), 0);
    while !plan.slices.is_empty() {
        requests += 1;
        assert!(requests < 10_000, "the search does not end");
        // What is kept between two requests is all there is.
        plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        let slice = plan.current();
        let mut found: Vec<&Entry> = index
            .iter()
            .filter(|entry| within(&slice.pushed, entry.pushed) && within(&slice.created, entry.created))
            .collect();
        if sorted {
            found.sort_by_key(|entry| (-entry.pushed, entry.id));
        } else {
            found.sort_by_key(|entry| entry.id.wrapping_mul(2_654_435_761) % 1_000_003);
        }
        let total = found.len() as u64;
        let start = ((slice.page - 1) * PAGE) as usize;
        assert!(start < LISTED as usize, "page {} is beyond what is listed", slice.page);
        let page: Vec<&Entry> = found.into_iter().take(LISTED as usize).skip(start).take(PAGE as usize).collect();
        ids.extend(page.iter().map(|entry| entry.id));
        plan.advance(total, page.iter().map(|entry| Some(at(entry.pushed))));
    }
    (ids, requests, plan.incomplete)
}

fn index(count: u64, pushed: impl Fn(u64) -> i64, created: impl Fn(u64) -> i64) -> Vec<Entry> {
    (0..count).map(|id| Entry { id, pushed: pushed(id), created: created(id) }).collect()
}

fn scattered(id: u64) -> i64 {
    (id.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1) >> 40) as i64
}

#[test]
fn everything_is_found_with_hardly_a_request_too_many() {
    for count in [0, 1, 99, 100, 101, 999, 1_000, 1_001, 2_500, 20_000] {
        let (ids, requests, incomplete) = read(&index(count, scattered, scattered), true);
        let least = count.div_ceil(PAGE).max(1);
        assert_eq!(ids.len() as u64, count);
        assert!(requests <= least + least.div_ceil(10), "{requests} requests for {count}, {least} at least");
        assert!(!incomplete);
    }
}

#[test]
fn everything_is_found_where_the_order_is_another() {
    for count in [900, 1_500, 5_000] {
        let (ids, requests, incomplete) = read(&index(count, scattered, scattered), false);
        assert_eq!(ids.len() as u64, count);
        assert!(requests <= 6 * count.div_ceil(PAGE), "{requests} requests for {count}");
        assert!(!incomplete);
    }
}

#[test]
fn pushes_within_one_second_are_told_apart_by_when_they_were_created() {
    let (ids, _, incomplete) = read(&index(3_000, |_| 7, scattered), true);
    assert_eq!((ids.len(), incomplete), (3_000, false));
    // Half of them stand on one second in the middle.
    let (ids, _, incomplete) =
        read(&index(4_000, |id| if id % 2 == 0 { 1_000 } else { scattered(id) }, scattered), true);
    assert_eq!((ids.len(), incomplete), (4_000, false));
}

#[test]
fn what_nothing_tells_apart_is_said_to_be_incomplete() {
    let (ids, _, incomplete) = read(&index(1_500, |_| 7, |_| 9), true);
    assert!(ids.len() >= 1_000 && incomplete);
}

#[test]
fn the_same_index_is_asked_the_same_way() {
    let index = index(3_100, scattered, scattered);
    assert_eq!(read(&index, true), read(&index, true));
}
