//! A watched repository at a stand-in of a forge, GitHub where nothing else is said, and what is known of it.

use std::{path::Path, sync::Arc};

use chrono::TimeDelta;
use entity::input::FoundRepository;
use entity::kind::{BranchEventKind, JobRequest, NoticedBy, Origin, Provider};
use entity::view::{Branch, BranchEvent, BranchEventFilter, BranchFilter, PageQuery, Repository};
use sea_orm::Statement;
use server::{
    clock, config,
    jobs::{self, Deps, JobContext, JobError},
};
use standin::{Access, Forge, Generator, Kind, Limits, OTHER_TOKEN, Options, Standin, TOKEN};
use store::{
    db::{ConnectionTrait as _, Db},
    queue::JobQueue,
    repositories,
    watch::{WatchSettings, find_branch_event, list_branch_events, list_branches, set_watch},
};
use uuid::Uuid;

/// All that one repository has.
const ALL: PageQuery = PageQuery { skip: 0, limit: 1_000 };

/// What stands at a forge: the repository `ada/home` with one commit, and the number that it has there.
pub(in crate::watching) fn home(folder: &Path, state: Access) -> (Options, u64) {
    let path = folder.join("home");
    standin::bare::create(&path, &[&[("app.yaml", Some("a: 1\n"))]]).unwrap();
    let mut found = Generator::new(1, vec![path]).repositories();
    let one = &mut found[0];
    (one.fork, one.archived, one.size_kb, one.state) = (false, false, 100, state);
    (one.owner, one.name) = ("ada".to_owned(), "home".to_owned());
    let id = one.id;
    (Options { limits: Limits::generous(), ..Options::with(found) }, id)
}

/// Stores it as a watched one of GitHub; its id.
pub(in crate::watching) async fn watched_home(db: &Db, url: String, origin: Origin) -> Uuid {
    watched(db, url, "home", origin).await
}

/// The same with another one of ada's.
pub(in crate::watching) async fn watched(db: &Db, url: String, name: &str, origin: Origin) -> Uuid {
    watched_at(db, Provider::Github, url, name, origin).await
}

/// The same of any forge.
pub(super) async fn watched_at(db: &Db, provider: Provider, url: String, name: &str, origin: Origin) -> Uuid {
    let found = FoundRepository {
        url,
        owner: "ada".to_owned(),
        name: name.to_owned(),
        full_name: format!("ada/{name}"),
        description: None,
        provider,
        origin,
        web_url: None,
        enabled: true,
        branch_regex: None,
        polling_interval_seconds: None,
        topics: Vec::new(),
    };
    let repository = repositories::upsert_repositories(&db.write, &[found], clock::now()).await.unwrap()[0].0;
    let settings = WatchSettings { is_enabled: true, ..WatchSettings::default() };
    set_watch(&db.write, repository, &settings).await.unwrap();
    repository
}

/// A repository at a forge that is watched, with a token of its own in the configuration.
pub(super) struct AtForge {
    pub(super) standin: Standin,
    kind: Kind,
    pub(super) deps: Deps,
    pub(super) repository: Uuid,
    pub(super) id: u64,
    _folder: tempfile::TempDir,
}

impl AtForge {
    pub(super) async fn start(db: &Db) -> Self {
        Self::with_polling(db, "").await
    }

    pub(super) async fn with_polling(db: &Db, polling: &str) -> Self {
        Self::with_settings(db, Kind::GitHub, |_| {}, polling, true).await
    }

    /// The repository's token is the only one that anybody set, and nothing is searched for.
    pub(super) async fn with_its_token_alone(db: &Db) -> Self {
        Self::with_settings(db, Kind::GitHub, |_| {}, "", false).await
    }

    /// At a forge of another kind, or one that tells less.
    pub(super) async fn of(db: &Db, kind: Kind, change: impl FnOnce(&mut Options)) -> Self {
        Self::with_settings(db, kind, change, "", true).await
    }

    async fn with_settings(
        db: &Db,
        kind: Kind,
        change: impl FnOnce(&mut Options),
        polling: &str,
        asks_for_others: bool,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut options, id) = home(folder.path(), Access::Public);
        change(&mut options);
        let standin = Standin::start(options).await.unwrap();
        let (at, url) = (standin.forge(kind).url(), standin.forge(kind).clone_url("ada/home"));
        let (provider, api) = match kind {
            Kind::GitHub => (Provider::Github, at.to_owned()),
            Kind::GitLab => (Provider::Gitlab, format!("{at}/api/v4")),
            Kind::Forgejo => (Provider::Forgejo, format!("{at}/api/v1")),
            Kind::Git => panic!("it has no API"),
        };
        let token = if asks_for_others { ", token: '${FORGE_TOKEN}'" } else { "" };
        let text = format!(
            "security: {{require_https: false}}\npolling: {{timeout: 60s{polling}}}\ndiscovery:\n  enabled: \
             {asks_for_others}\n  forges:\n    - {{api_base_url: '{api}', url: '{at}', provider: {provider}{token}}}\n\
             repositories:\n  - {{url: '{url}', name: ada/home, provider: {provider}, token: '${{OWN_TOKEN}}'}}\n"
        );
        let tokens = [("FORGE_TOKEN", TOKEN), ("OWN_TOKEN", OTHER_TOKEN)];
        let environment = tokens.map(|(name, token)| (name.to_owned(), token.to_owned())).into();
        let config = config::parse(Path::new("test"), &text, environment).unwrap();
        let deps = Deps {
            data_dir: folder.path().join("data"),
            ..server::start::deps(&config, db, &JobQueue::new(db.clone()), None).unwrap()
        };
        let repository = watched_at(db, provider, url, "home", Origin::Config).await;
        Self { standin, kind, deps, repository, id, _folder: folder }
    }

    pub(super) fn github(&self) -> &Arc<Forge> {
        self.standin.github()
    }

    /// Where the repository is.
    pub(super) fn forge(&self) -> &Arc<Forge> {
        self.standin.forge(self.kind)
    }

    pub(super) async fn run(&self, request: JobRequest) -> Result<String, JobError> {
        jobs::handle(&self.deps, &JobContext::new(Uuid::now_v7()), &request).await
    }

    pub(super) async fn sync(&self) -> Result<String, JobError> {
        self.run(JobRequest::SyncRepository { repository_id: self.repository }).await
    }

    /// Its last sync was so long ago.
    pub(super) async fn synced_before(&self, ago: TimeDelta) {
        let write = &self.deps.db.write;
        let sql = "UPDATE repository SET last_sync_at = $1";
        let statement =
            Statement::from_sql_and_values(write.get_database_backend(), sql, [(clock::now() - ago).into()]);
        write.execute_raw(statement).await.unwrap();
    }

    /// Why a sync failed.
    pub(super) async fn failed_sync(&self) -> String {
        self.sync().await.unwrap_err().to_string()
    }

    pub(super) async fn follow(&self) {
        self.run(JobRequest::FollowBranches { repository_id: self.repository }).await.unwrap();
    }

    /// Of this repository, the first one first; those of one look by name.
    pub(super) async fn events(&self) -> Vec<BranchEvent> {
        let filter =
            BranchEventFilter { repository_id: Some(self.repository), page: ALL, ..BranchEventFilter::default() };
        let mut events = list_branch_events(&self.deps.db.read, &filter).await.unwrap().data;
        events.sort_by(|a, b| (a.noticed_at, &a.branch_name).cmp(&(b.noticed_at, &b.branch_name)));
        events
    }

    /// The same with what lists leave out.
    pub(super) async fn whole_events(&self) -> Vec<BranchEvent> {
        let mut whole = Vec::new();
        for event in self.events().await {
            whole.push(find_branch_event(&self.deps.db.read, event.id).await.unwrap().unwrap());
        }
        whole
    }

    /// What happened to which branch, and who noticed it.
    pub(super) async fn told(&self) -> Vec<(String, BranchEventKind, NoticedBy)> {
        let told = |event: BranchEvent| (event.branch_name, event.kind, event.noticed_by);
        self.events().await.into_iter().map(told).collect()
    }

    /// Branches that are there, by name.
    pub(super) async fn branches(&self) -> Vec<Branch> {
        let of = BranchFilter {
            repository_id: Some(self.repository),
            deleted: Some(false),
            page: ALL,
            ..BranchFilter::default()
        };
        let mut branches = list_branches(&self.deps.db.read, &of).await.unwrap().data;
        branches.sort_by(|a, b| a.name.cmp(&b.name));
        branches
    }

    pub(super) async fn names(&self) -> Vec<String> {
        self.branches().await.into_iter().map(|branch| branch.name).collect()
    }

    /// Whether each branch is protected, by name.
    pub(super) async fn protected(&self) -> Vec<(String, Option<bool>)> {
        self.branches().await.into_iter().map(|branch| (branch.name, branch.is_protected)).collect()
    }

    pub(super) async fn seen(&self) -> Repository {
        repositories::find_repository(&self.deps.db.read, self.repository).await.unwrap().unwrap()
    }

    /// By which tokens the API was asked for branches.
    pub(super) fn asked(&self) -> Vec<Option<usize>> {
        let requests = self.github().requests().into_iter();
        requests.filter(|request| request.path.ends_with("/branches")).map(|request| request.token).collect()
    }

    /// For how many of Git's objects the API was asked, or comparisons of them.
    pub(super) fn objects_asked(&self) -> usize {
        let asked = self.github().requests().into_iter().map(|request| request.path);
        asked.filter(|path| path.contains("/git/") || path.contains("/compare/")).count()
    }

    pub(super) fn commit(&self, branch: &str, text: &str) -> String {
        self.forge().commit_on(self.id, branch, &[("app.yaml", Some(text))], "Change").unwrap()
    }
}
