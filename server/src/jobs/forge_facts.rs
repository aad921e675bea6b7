use entity::address::Address;
use entity::input::RepositoryFacts;
use entity::kind::Provider;
use forge::{Facts, Key};
use store::discovery::MetricsTarget;

use super::Deps;

/// On which host a repository's forge is asked about it, and what it is known by there: by its number, where that is known,
/// which outlives its name. Nothing where its address is none of a forge.
pub(crate) fn place_of(target: &MetricsTarget) -> Option<(String, Key)> {
    let address = Address::read(&target.url).ok()?.at_forge(target.provider)?;
    let host = target.forge_host.clone().unwrap_or(address.host);
    let full_name = if target.forge_id.is_some() { target.full_name.clone() } else { address.full_name };
    Some((host, Key { id: target.forge_id, node_id: target.forge_node_id.clone(), full_name }))
}

/// What a forge's client tells, as it is stored.
pub(super) fn facts_of(facts: Facts, host: &str, provider: Provider) -> RepositoryFacts {
    RepositoryFacts {
        host: host.to_owned(),
        provider,
        forge_id: facts.id,
        node_id: facts.node_id,
        owner: facts.owner,
        name: facts.name,
        full_name: facts.full_name,
        clone_url: facts.clone_url,
        web_url: facts.web_url,
        description: facts.description,
        language: facts.language,
        topics: facts.topics,
        license_name: facts.licence,
        default_branch: facts.default_branch,
        created_at: facts.created_at,
        updated_at: facts.updated_at,
        pushed_at: facts.pushed_at,
        stars: facts.stars,
        forks: facts.forks,
        watchers: facts.watchers,
        open_issues: facts.open_issues,
        size_kb: facts.size_kb,
        is_archived: facts.is_archived,
        is_fork: facts.is_fork,
        is_private: facts.is_private,
    }
}

/// Where a forge tells of an address that may not be cloned from, the known one stays.
pub(super) fn keep_good_address(deps: &Deps, facts: &mut RepositoryFacts, known: &str) {
    if facts.clone_url != known && deps.forges.check_address(&facts.clone_url).is_err() {
        known.clone_into(&mut facts.clone_url);
    }
}
