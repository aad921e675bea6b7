use entity::address::Address;
use entity::input::RepositoryFacts;
use entity::kind::Provider;
use entity::value::clean;
use entity::view::web_page;
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

/// What a forge's client tells, as it is stored: in texts that every database takes, and with an address that pages may link to
/// or none.
pub(super) fn facts_of(facts: Facts, host: &str, provider: Provider) -> RepositoryFacts {
    let text = |text: Option<String>| text.map(|text| clean(&text));
    RepositoryFacts {
        host: host.to_owned(),
        provider,
        forge_id: facts.id,
        node_id: text(facts.node_id),
        owner: clean(&facts.owner),
        name: clean(&facts.name),
        full_name: clean(&facts.full_name),
        clone_url: clean(&facts.clone_url),
        web_url: web_page(text(facts.web_url)),
        description: text(facts.description),
        language: text(facts.language),
        topics: facts.topics.iter().map(|topic| clean(topic)).collect(),
        license_name: text(facts.licence),
        default_branch: text(facts.default_branch),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(web_url: &str, text: &str) -> RepositoryFacts {
        let facts = Facts {
            id: 7,
            node_id: None,
            owner: "ada".to_owned(),
            name: text.to_owned(),
            full_name: format!("ada/{text}"),
            clone_url: "https://forge.example/ada/home.git".to_owned(),
            web_url: Some(web_url.to_owned()),
            description: Some(text.to_owned()),
            language: Some(text.to_owned()),
            topics: vec![text.to_owned()],
            licence: Some(text.to_owned()),
            default_branch: Some(text.to_owned()),
            created_at: None,
            updated_at: None,
            pushed_at: None,
            stars: 0,
            forks: None,
            watchers: None,
            open_issues: None,
            size_kb: None,
            is_archived: false,
            is_fork: false,
            is_private: false,
        };
        facts_of(facts, "forge.example", Provider::Forgejo)
    }

    #[test]
    fn an_address_that_is_none_of_the_web_is_not_kept() {
        for address in ["javascript:alert(1)//https://forge.example", "data:text/html,<b>", "//forge.example"] {
            assert_eq!(told(address, "home").web_url, None, "{address}");
        }
        let page = "https://forge.example/ada/home";
        assert_eq!(told(page, "home").web_url.as_deref(), Some(page));
    }

    #[test]
    fn no_text_of_a_forge_holds_what_a_database_refuses() {
        let facts = told("https://forge.example/\0", "a\0b");
        assert!(!format!("{facts:?}").contains("\\0"), "{facts:?}");
        assert_eq!(facts.description.as_deref(), Some("a\u{fffd}b"));
    }
}
