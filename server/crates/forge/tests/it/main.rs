//! The clients against a forge on this machine, with every fault that it has.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod branches;
mod changes;
mod files;
mod hooks;
mod town;

use std::sync::Arc;

use forge::{
    Forge, ForgeError, Forgejo, Github, Gitlab, GoneReason, Key, Limits, MemoryStore, Search, Settings, Sight, Token,
};
use net::{AddressGuard, parse_network};
use standin::{Access, Fault, Generator, Kind, Links, Options, Rule, Standin, TOKEN};
use url::Url;

async fn start(count: usize) -> Standin {
    let repositories = Generator::new(count, vec![std::env::temp_dir()]).repositories();
    Standin::start(Options { limits: standin::Limits::generous(), ..Options::with(repositories) }).await.unwrap()
}

fn settings(forge: &standin::Forge, token: Option<&str>) -> Settings {
    let base = match forge.kind() {
        Kind::GitHub => forge.url().to_owned(),
        Kind::GitLab => format!("{}/api/v4", forge.url()),
        Kind::Forgejo | Kind::Git => format!("{}/api/v1", forge.url()),
    };
    let base_url = Url::parse(&base).unwrap();
    Settings {
        host: entity::address::forge_host(&base_url).unwrap(),
        base_url,
        token: token.map(Token::new),
        token_key: "the.key".to_owned(),
        guard: Arc::new(AddressGuard::new([parse_network("127.0.0.0/8").unwrap()])),
        store: Arc::new(MemoryStore::default()),
        limits: Limits { body_bytes: 4 << 20, ..Limits::default() },
    }
}

fn client(forge: &standin::Forge, token: Option<&str>) -> Box<dyn Forge> {
    client_by(forge, settings(forge, token))
}

fn client_by(forge: &standin::Forge, settings: Settings) -> Box<dyn Forge> {
    match forge.kind() {
        Kind::GitHub => Box::new(Github::new(settings).unwrap()),
        Kind::GitLab => Box::new(Gitlab::new(settings).unwrap()),
        Kind::Forgejo | Kind::Git => Box::new(Forgejo::new(settings).unwrap()),
    }
}

fn key(repository: &standin::Repository) -> Key {
    Key { id: Some(repository.id as i64), node_id: None, full_name: repository.full_name() }
}

#[tokio::test]
async fn every_forge_tells_what_it_knows() {
    let standin = start(30).await;
    for forge in [standin.github(), standin.gitlab(), standin.forgejo()] {
        for token in [Some(TOKEN), None] {
            let client = client(forge, token);
            let all = forge.repositories();
            let truth = all.iter().find(|one| one.state == Access::Public && !one.fork).unwrap();
            let what = format!("{:?} with {token:?}", forge.kind());
            let Sight::Here(facts) = client.find(&truth.full_name()).await.unwrap() else { panic!("{what}: gone") };
            assert_eq!((facts.id as u64, facts.full_name.as_str()), (truth.id, truth.full_name().as_str()), "{what}");
            assert_eq!((facts.stars as u64, facts.forks), (truth.stars, Some(truth.forks as i64)), "{what}");
            let sorted = |mut topics: Vec<String>| {
                topics.sort();
                topics
            };
            assert_eq!(sorted(facts.topics), sorted(truth.topics.clone()), "{what}");
            assert_eq!(facts.language, truth.language, "{what}");
            assert!(facts.clone_url.ends_with(".git"), "{what}: {}", facts.clone_url);
            if forge.kind() != Kind::GitLab {
                assert_eq!(facts.watchers, Some(truth.subscribers as i64), "{what}");
                assert_eq!(facts.size_kb, Some(truth.size_kb as i64), "{what}");
            }
            let unknown = client.find("nobody/nothing").await.unwrap();
            assert_eq!(unknown, Sight::Gone(GoneReason::NotFound), "{what}");
        }
    }
}

#[tokio::test]
async fn a_renamed_repository_is_known_by_its_number() {
    let standin = start(30).await;
    for forge in [standin.github(), standin.gitlab(), standin.forgejo()] {
        let client = client(forge, None);
        let truth = forge.repositories().into_iter().find(|one| one.state == Access::Public).unwrap();
        assert!(forge.rename(truth.id, "other"));
        let sights = client.facts(&[key(&truth)]).await.unwrap();
        let Sight::Here(facts) = &sights[0] else { panic!("{:?}: gone", forge.kind()) };
        assert_eq!((facts.id as u64, facts.name.as_str()), (truth.id, "other"), "{:?}", forge.kind());
    }
}

#[tokio::test]
async fn many_are_asked_for_at_once_and_the_gone_ones_told_apart() {
    let standin = start(150).await;
    let github = standin.github();
    let client = client(github, Some(TOKEN));
    assert_eq!(client.batch(), 100);
    let public: Vec<_> =
        github.repositories().into_iter().filter(|one| one.state == Access::Public).take(100).collect();
    let mut keys: Vec<Key> = public.iter().map(key).collect();
    let sights = client.facts(&keys).await.unwrap();
    assert_eq!(github.counters().api, 1);
    for ((key, sight), truth) in keys.iter_mut().zip(&sights).zip(&public) {
        let Sight::Here(facts) = sight else { panic!("{} is gone", truth.full_name()) };
        assert_eq!(facts.watchers, Some(truth.subscribers as i64));
        key.node_id.clone_from(&facts.node_id);
    }
    github.delete(public[7].id);
    github.set_access(public[9].id, Access::Private);
    let sights = client.facts(&keys).await.unwrap();
    let gone: Vec<usize> = (0..100).filter(|index| matches!(sights[*index], Sight::Gone(_))).collect();
    assert_eq!(gone, [7, 9]);
}

#[tokio::test]
async fn every_fault_is_told_with_host_and_question() {
    let standin = start(30).await;
    for forge in [standin.github(), standin.gitlab(), standin.forgejo()] {
        for (fault, expected) in [
            (Fault::Status { code: 500 }, "Status"),
            (Fault::Status { code: 502 }, "Status"),
            (Fault::Cut, "Unreachable"),
            (Fault::WrongJson, "Unreadable"),
            (Fault::Slow { ms: 60_000 }, "Unreachable"),
            (Fault::Endless, "TooLarge|Unreachable"),
            (Fault::PrimaryLimit { reset: 60 }, "RateLimited"),
            (Fault::SecondaryLimit { retry_after: None }, "RateLimited"),
            (Fault::TooMany { retry_after: Some(30) }, "RateLimited"),
            (Fault::BadCredentials, "TokenRefused"),
        ] {
            let mut settings = settings(forge, Some(TOKEN));
            if matches!(fault, Fault::Slow { .. }) {
                settings.limits.timeout = std::time::Duration::from_secs(2);
            }
            let client = client_by(forge, settings);
            forge.clear_faults();
            forge.fail(Rule::new(fault.clone()).times(1));
            let what = format!("{:?}, {fault:?}", forge.kind());
            let error = client.search(&Search::Topic("kubesearch".to_owned()), None).await.expect_err(&what);
            let name = format!("{error:?}");
            assert!(expected.split('|').any(|expected| name.starts_with(expected)), "{what}: {error:?}");
            assert!(error.to_string().contains("127.0.0.1"), "{what}: {error}");
            assert!(!name.contains(TOKEN), "{what}: {name}");
            if let ForgeError::TokenRefused { key, .. } = &error {
                assert_eq!(key, "the.key");
            }
        }
        forge.clear_faults();
    }
}

#[tokio::test]
async fn no_request_leaves_for_an_address_inside() {
    let standin = start(1).await;
    let guarded = Settings { guard: Arc::default(), ..settings(standin.forgejo(), None) };
    assert!(matches!(Forgejo::new(guarded), Err(ForgeError::Refused(_))));
    let mut named = settings(standin.forgejo(), None);
    named.base_url.set_host(Some("localhost")).unwrap();
    let client = Forgejo::new(Settings { guard: Arc::default(), ..named }).unwrap();
    let error = client.find("a/b").await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused(_)), "{error:?}");
    assert_eq!(standin.forgejo().counters().api, 0);
}

/// Every repository that a search gives, and how many requests that took.
async fn all(client: &dyn Forge, search: &Search) -> (Vec<u64>, usize) {
    let (mut ids, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = client.search(search, cursor.as_ref()).await.unwrap();
        ids.extend(page.found.iter().map(|facts| facts.id as u64));
        pages += 1;
        cursor = page.next;
        if cursor.is_none() {
            ids.sort_unstable();
            return (ids, pages);
        }
    }
}

#[tokio::test]
async fn lists_are_read_to_their_end_whatever_their_links_say() {
    let search = Search::Topic("kubesearch".to_owned());
    let elsewhere = Links::Elsewhere("https://git.example.org".to_owned());
    for (links, forgejo_most) in
        [(Links::Own, 50), (elsewhere.clone(), 50), (Links::Own, 20), (elsewhere, 20), (Links::Dropped, 20)]
    {
        let repositories = Generator::new(145, vec![std::env::temp_dir()]).repositories();
        let limits = standin::Limits::generous();
        let options = Options { limits, links: links.clone(), forgejo_most, ..Options::with(repositories) };
        let standin = Standin::start(options).await.unwrap();
        for forge in [standin.github(), standin.gitlab(), standin.forgejo()] {
            let what = format!("{:?}, {links:?}, {forgejo_most} at once", forge.kind());
            // Forks are searched for by nobody on GitHub; strangers see no archived project on GitLab.
            let mut expected: Vec<u64> = forge
                .repositories()
                .iter()
                .filter(|one| one.state == Access::Public && one.topics.iter().any(|topic| topic == "kubesearch"))
                .filter(|one| forge.kind() != Kind::GitHub || !one.fork)
                .map(|one| one.id)
                .collect();
            expected.sort_unstable();
            let client = client(forge, Some(TOKEN));
            let (found, pages) = all(client.as_ref(), &search).await;
            assert_eq!(found, expected, "{what}");
            if forge.kind() == Kind::Forgejo {
                assert_eq!(pages, expected.len().div_ceil(usize::try_from(forgejo_most).unwrap()), "{what}");
            }
            // Asked once more, much of it is unchanged; the way through it is the same.
            assert_eq!(all(client.as_ref(), &search).await, (found, pages), "{what}");
        }
    }
}

#[tokio::test]
async fn forges_tell_whose_a_token_is_and_refuse_what_is_none() {
    let people = vec![standin::Person { id: 7, login: "ada".to_owned(), name: None, emails: Vec::new() }];
    let standin = Standin::start(Options { people, ..Options::with(Vec::new()) }).await.unwrap();
    let told = |login: Option<&str>, scopes: Option<&[&str]>| forge::Holder {
        login: login.map(str::to_owned),
        scopes: scopes.map(|scopes| scopes.iter().map(|&scope| scope.to_owned()).collect()),
    };
    let (github, gitlab, forgejo) = (standin.github(), standin.gitlab(), standin.forgejo());
    for (forge, token, expected) in [
        (github, TOKEN, told(Some("ada"), Some(&[]))),
        (github, standin::PRIVATE_TOKEN, told(Some("ada"), Some(&["repo"]))),
        (gitlab, TOKEN, told(Some("ada"), Some(&["read_api"]))),
        (gitlab, standin::PRIVATE_TOKEN, told(Some("ada"), Some(&["read_api", "read_repository"]))),
        // It may not ask whose it is, and works all the same.
        (forgejo, TOKEN, told(None, None)),
        (forgejo, standin::PRIVATE_TOKEN, told(Some("ada"), None)),
    ] {
        let found = client(forge, Some(token)).holder().await;
        assert_eq!(found.unwrap(), expected, "{:?} {token}", forge.kind());
    }
    for forge in [github, gitlab, forgejo] {
        let refused = client(forge, Some("made-up")).holder().await.unwrap_err();
        assert!(matches!(refused, ForgeError::TokenRefused { .. }), "{:?}: {refused}", forge.kind());
        assert!(!format!("{refused:?} {refused}").contains("made-up"));
    }
}
