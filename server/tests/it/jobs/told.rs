//! What forges tell, what they leave out, and what they tell that is not to be followed.

use axum::http::header;
use entity::{
    input::FoundRepository,
    kind::{Origin, Provider, RejectReason},
};
use server::clock;
use standin::{Access, Kind};
use store::{db::ConnectionTrait as _, repositories};

use super::discover::{Bench, start};
use crate::support::on_each_engine;

#[tokio::test(flavor = "multi_thread")]
async fn figures_that_a_forge_does_not_tell_are_unknown_and_no_zero() {
    on_each_engine(async |app| {
        let standin = start(20, |_| {}).await;
        for forge in [standin.gitlab(), standin.forgejo()] {
            let bench = Bench::new(&app.state.db, forge, "  forks: true\n  archived: true\n");
            bench.discover().await.unwrap();
            bench.refresh().await.unwrap();
            let mut seen = 0;
            for repository in bench.all().await {
                // The other forge has the same names.
                if !repository.url.starts_with(&format!("{}/", forge.url())) {
                    continue;
                }
                seen += 1;
                let truth = forge.repository(&repository.full_name).unwrap();
                let found = repository.latest_metrics.unwrap();
                let told = [(found.watchers_count, found.watchers_known), (found.size, found.size_known)];
                // GitLab tells sizes to a project's members only.
                let expected = match forge.kind() {
                    Kind::GitLab => [(0, false); 2],
                    _ => [(truth.subscribers as i64, true), (truth.size_kb as i64, true)],
                };
                assert_eq!(told, expected, "{}", repository.full_name);
                assert_eq!((found.forks_count, found.forks_known), (truth.forks as i64, true));
                assert!(found.open_issues_known);
            }
            let public = |one: &&standin::Repository| {
                one.state == Access::Public && one.topics.iter().any(|topic| topic == "kubesearch")
            };
            assert_eq!(seen, forge.repositories().iter().filter(public).count());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_not_known_where_rest_has_to_give_a_number() {
    on_each_engine(async |app| {
        let standin = start(1, |options| {
            let change = |one: &mut standin::Repository| {
                (one.forks, one.open_issues, one.open_pulls) = (0, 0, 0);
                (one.fork, one.archived, one.state) = (false, false, Access::Public);
                one.topics = vec!["kubesearch".to_owned()];
            };
            options.repositories.iter_mut().for_each(change);
        })
        .await;
        let bench = Bench::new(&app.state.db, standin.forgejo(), "");
        bench.discover().await.unwrap();
        let id = bench.all().await[0].id;
        let page = async || {
            let page = app.get_with(&format!("/repositories/{id}"), &[(header::ACCEPT, "text/html")]).await.text();
            let figure = page.split("Open issues").nth(1).unwrap_or_else(|| panic!("no open issues: {page}"));
            let end = figure.find("</dd>").unwrap();
            (figure[..end].contains("not known"), page.contains("0 forks"))
        };
        assert_eq!(page().await, (false, true), "a zero that was told is shown");
        let forget = "UPDATE repositorymetrics SET forks_known = FALSE, open_issues_known = FALSE";
        app.state.db.write.execute_unprepared(forget).await.unwrap();
        assert_eq!(page().await, (true, false));
        let metrics = app.get(&format!("/api/v1/repositories/{id}")).await.json()["latest_metrics"].clone();
        assert_eq!((&metrics["open_issues_count"], &metrics["open_issues_known"]), (&0.into(), &false.into()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_on_github_are_found_where_they_are_allowed_and_only_there() {
    on_each_engine(async |app| {
        let standin = start(150, |_| {}).await;
        let github = standin.github();
        let found = |forks: bool| -> Vec<String> {
            let is = |one: &standin::Repository| {
                one.state == Access::Public && one.fork == forks && one.topics.iter().any(|topic| topic == "kubesearch")
            };
            let mut names: Vec<_> =
                github.repositories().iter().filter(|one| is(one)).map(standin::Repository::full_name).collect();
            names.sort();
            names
        };
        assert!(found(true).len() > 3 && found(false).len() > 100);
        let forks_here = async |bench: &Bench| -> Vec<String> {
            let mut names: Vec<_> = bench.all().await.into_iter().map(|repository| repository.full_name).collect();
            names.retain(|name| github.repository(name).unwrap().fork);
            names.sort();
            names
        };
        let without = Bench::new(&app.state.db, github, "  archived: true\n");
        without.discover().await.unwrap();
        let run = without.coverage().await.last.unwrap();
        assert_eq!(run.found as usize, found(false).len(), "GitHub leaves forks out by itself");
        assert_eq!(forks_here(&without).await, Vec::<String>::new());
        // The configuration is another one: the next run asks anew.
        let with = Bench::new(&app.state.db, github, "  archived: true\n  forks: true\n");
        with.discover().await.unwrap();
        let run = with.coverage().await.last.unwrap();
        assert_eq!(run.searches[0].search, "topic:kubesearch fork:true");
        assert_eq!(run.found as usize, found(false).len() + found(true).len());
        assert_eq!(forks_here(&with).await, found(true));
    })
    .await;
}

/// A forge that people reach by https and that tells addresses with plain http, found by its API on this machine.
fn downgrading(db: &store::db::Db, api: &str, require_https: bool) -> Bench {
    let text = format!(
        "security: {{require_https: {require_https}}}\ndiscovery:\n  topics: [kubesearch]\n  max_age: 36500d\n  \
         archived: true\n  forges:\n    - {{url: 'https://forge.example', api_base_url: '{api}', provider: github, \
         token: '${{FORGE_TOKEN}}'}}\n"
    );
    Bench::over(db, &text)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_plain_http_that_a_forge_tells_is_neither_taken_up_nor_followed() {
    on_each_engine(async |app| {
        let standin = start(12, |options| {
            let change = |one: &mut standin::Repository| (one.fork, one.state) = (false, Access::Public);
            options.repositories.iter_mut().for_each(change);
        })
        .await;
        let github = standin.github();
        assert!(github.url().starts_with("http://"));
        // One is here already, by https and under its old name.
        let known = &github.repositories()[0];
        let old = "https://forge.example/old/name.git";
        let repository = FoundRepository {
            url: old.to_owned(),
            owner: "old".to_owned(),
            name: "name".to_owned(),
            full_name: "old/name".to_owned(),
            description: None,
            provider: Provider::Github,
            origin: Origin::Added,
            web_url: None,
            enabled: true,
            branch_regex: None,
            polling_interval_seconds: None,
            topics: Vec::new(),
        };
        let write = &app.state.db.write;
        repositories::upsert_repositories(write, &[repository], clock::now()).await.unwrap();
        let number =
            format!("UPDATE repository SET forge_host = 'forge.example', forge_id = {0}, github_id = {0}", known.id);
        write.execute_unprepared(&number).await.unwrap();

        let strict = downgrading(&app.state.db, github.url(), true);
        strict.discover().await.unwrap();
        // What tells of one repository tells it too.
        write.execute_unprepared("UPDATE repository SET facts_at = NULL").await.unwrap();
        assert!(strict.refresh().await.unwrap().starts_with("figures of 1 "));
        let here = strict.all().await;
        assert_eq!(here.len(), 1, "{here:#?}");
        assert_eq!((here[0].url.as_str(), &here[0].full_name), (old, &known.full_name()), "its name is followed");
        let left = strict.coverage().await.rejected.data;
        assert_eq!(left.len(), 11);
        for left in left {
            assert_eq!(left.reason, RejectReason::Address, "{left:?}");
            assert!(left.detail.contains("plain http") && left.detail.contains("security.require_https"), "{left:?}");
        }

        // It is this rule alone that stands in the way.
        let lax = downgrading(&app.state.db, github.url(), false);
        write.execute_unprepared("UPDATE repository SET full_name = 'old/name'").await.unwrap();
        lax.discover().await.unwrap();
        assert_eq!(lax.all().await.len(), 12);
        assert_eq!(lax.by_id(known.id).await.url, github.clone_url(&known.full_name()));
    })
    .await;
}
