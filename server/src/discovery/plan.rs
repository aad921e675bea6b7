//! Which searches a run consists of.

use entity::input::SearchState;
use entity::kind::Provider;
use entity::view::DiscoverySearch;
use forge::Search;

use crate::config::{DiscoveryConfig, ForgeConfig};

/// Every topic, then every query, on every forge that is searched, in the order of the configuration.
#[must_use]
pub fn plan<'a>(config: &DiscoveryConfig, forges: impl IntoIterator<Item = &'a ForgeConfig>) -> Vec<SearchState> {
    let mut searches = Vec::new();
    for forge in forges.into_iter().filter(|forge| forge.search) {
        // GitHub alone leaves forks out of what it finds unless the query asks for them.
        let asks_for_forks = config.forks && forge.provider == Provider::Github;
        let topics = config.topics.iter().map(|topic| (Some(topic.clone()), format!("topic:{topic}")));
        let queries = config.queries.iter().map(|query| (None, query.clone()));
        for (topic, search) in topics.chain(queries) {
            let (topic, search) = match asks_for_forks && !names_forks(&search) {
                true => (None, format!("{search} fork:true")),
                false => (topic, search),
            };
            let shown = DiscoverySearch { host: forge.host(), search, ..DiscoverySearch::default() };
            searches.push(SearchState { shown, topic, cursor: None });
        }
    }
    searches
}

/// Whether a query of GitHub's says itself what is to be done with forks. What stands in quotes is looked for as it is.
fn names_forks(query: &str) -> bool {
    let words = query.split('"').step_by(2).flat_map(str::split_whitespace);
    words.map(|word| word.trim_start_matches(['-', '('])).any(|word| {
        let name = word.split_once(':').map(|(name, _)| name);
        name.is_some_and(|name| name.eq_ignore_ascii_case("fork"))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The searches of a configuration by host, and the topics that are searched for as such.
    fn planned(text: &str) -> Vec<(String, String, Option<String>)> {
        let text = format!("discovery: {{{text}}}");
        let config = crate::config::parse(std::path::Path::new("test"), &text, [].into()).unwrap();
        let states = plan(&config.discovery, &config.forges);
        states.into_iter().map(|state| (state.shown.host, state.shown.search, state.topic)).collect()
    }

    fn one(host: &str, search: &str, topic: Option<&str>) -> (String, String, Option<String>) {
        (host.to_owned(), search.to_owned(), topic.map(str::to_owned))
    }

    #[test]
    fn github_is_asked_for_forks_where_they_are_allowed_and_others_give_them_anyway() {
        let forges = "topics: [home], forges: [{url: 'https://github.com'}, {url: 'https://gitlab.com'}, {url: 'https://codeberg.org'}]";
        let github = |search, topic| one("github.com", search, topic);
        let others = ["gitlab.com", "codeberg.org"].map(|host| one(host, "topic:home", Some("home")));
        let without = [github("topic:home", Some("home"))].into_iter().chain(others.clone());
        assert_eq!(planned(forges), without.collect::<Vec<_>>());
        let with = [github("topic:home fork:true", None)].into_iter().chain(others);
        assert_eq!(planned(&format!("forks: true, {forges}")), with.collect::<Vec<_>>());
    }

    #[test]
    fn a_query_that_names_forks_itself_stays_as_it_is() {
        let queries = |queries: &str| -> Vec<String> {
            let planned = planned(&format!("topics: [], forks: true, queries: [{queries}]"));
            planned.into_iter().map(|(_, search, _)| search).collect()
        };
        for query in ["k3s fork:only", "Fork:false k3s", "k3s -fork:true", "(fork:true) k3s"] {
            assert_eq!(queries(&format!("'{query}'")), [query]);
        }
        for query in ["k3s", "k3s forks:>3", "pitchfork:true", "\"with fork:only inside\" k3s"] {
            assert_eq!(queries(&format!("'{query}'")), [format!("{query} fork:true")]);
        }
    }
}
