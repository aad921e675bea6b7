//! Which searches a run consists of.

use entity::found::SearchState;
use entity::view::DiscoverySearch;
use forge::Search;

use crate::config::{DiscoveryConfig, ForgeConfig};

/// Every topic, then every query, on every forge that is searched, in the order of the configuration.
#[must_use]
pub fn plan<'a>(config: &DiscoveryConfig, forges: impl IntoIterator<Item = &'a ForgeConfig>) -> Vec<SearchState> {
    let mut searches = Vec::new();
    for forge in forges.into_iter().filter(|forge| forge.search) {
        let topics = config.topics.iter().map(|topic| (Some(topic.clone()), format!("topic:{topic}")));
        let queries = config.queries.iter().map(|query| (None, query.clone()));
        for (topic, search) in topics.chain(queries) {
            let shown = DiscoverySearch { host: forge.host(), search, ..DiscoverySearch::default() };
            searches.push(SearchState { shown, topic, cursor: None });
        }
    }
    searches
}

/// What to ask the forge's client for.
#[must_use]
pub fn search_of(state: &SearchState) -> Search {
    match &state.topic {
        Some(topic) => Search::Topic(topic.clone()),
        None => Search::Query(state.shown.search.clone()),
    }
}

/// Whether a run that was begun still is what the configuration asks for.
#[must_use]
pub fn same_plan(begun: &[SearchState], wanted: &[SearchState]) -> bool {
    let what = |states: &[SearchState]| -> Vec<(String, String, Option<String>)> {
        states.iter().map(|state| (state.shown.host.clone(), state.shown.search.clone(), state.topic.clone())).collect()
    };
    what(begun) == what(wanted)
}
