//! A repository to sync from, made with git, and what the database holds of it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use entity::{
    input::FoundRepository,
    kind::{JobRequest, Origin, Provider},
    view::Repository,
};
use server::{
    clock, config,
    jobs::{self, Deps, JobContext, JobError},
};
use store::{
    db::{ConnectionTrait as _, Db},
    queue::JobQueue,
    repositories,
};
use uuid::Uuid;

/// A repository with a work tree, in a folder of its own.
pub struct Origins {
    pub folder: tempfile::TempDir,
}

impl Origins {
    pub fn new() -> Self {
        let origin = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(origin.path()).unwrap();
        origin.git(&["init", "--quiet", "--initial-branch=main"]);
        origin
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("origin")
    }

    pub fn git(&self, args: &[&str]) -> String {
        git(&self.path(), args)
    }

    /// A tree object of entries as `git mktree` reads them, whatever the names are.
    pub fn mktree(&self, entries: &[u8]) -> String {
        let mut child = Command::new("git")
            .args(["mktree", "--missing"])
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), entries).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Writes files (`None` removes one) and commits them; time goes on by a minute with every commit.
    pub fn commit(&self, subject: &str, files: &[(&str, Option<&str>)]) -> String {
        for (path, text) in files {
            let path = self.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text {
                Some(text) => std::fs::write(&path, text).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.org")
        .env("GIT_COMMITTER_NAME", "Ada")
        .env("GIT_COMMITTER_EMAIL", "ada@example.org")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Handlers over a database, with a data directory of their own.
pub struct Bench {
    pub deps: Deps,
    _data: tempfile::TempDir,
}

impl Bench {
    pub fn new(db: &Db) -> Self {
        Self::with_config(db, "security: {allow_local_repositories: true}")
    }

    pub fn with_config(db: &Db, config: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = config::parse(Path::new("test"), config, [].into()).unwrap();
        let deps = Deps {
            data_dir: data.path().to_owned(),
            ..server::start::deps(&config, db, &JobQueue::new(db.clone()), None).unwrap()
        };
        Self { deps, _data: data }
    }

    pub async fn pin(&self, url: &Path) -> Uuid {
        let repository = FoundRepository {
            url: url.display().to_string(),
            owner: "ada".to_owned(),
            name: "cluster".to_owned(),
            full_name: "ada/cluster".to_owned(),
            description: None,
            provider: Provider::Git,
            origin: Origin::Config,
            web_url: None,
            enabled: true,
            branch_regex: None,
            polling_interval_seconds: None,
            topics: Vec::new(),
        };
        repositories::upsert_repositories(&self.deps.db.write, &[repository], clock::now()).await.unwrap()[0].0
    }

    async fn run(&self, request: JobRequest) -> Result<String, JobError> {
        let context = JobContext::new(Uuid::now_v7());
        jobs::handle(&self.deps, &context, &request).await
    }

    pub async fn sync(&self, repository_id: Uuid) -> Result<String, JobError> {
        self.run(JobRequest::SyncRepository { repository_id }).await
    }

    pub async fn scan(&self, repository_id: Uuid) -> Result<String, JobError> {
        self.run(JobRequest::ScanRepository { repository_id }).await
    }

    /// Syncs and scans, both well.
    pub async fn bring_up_to_date(&self, repository: Uuid) {
        self.sync(repository).await.unwrap();
        self.scan(repository).await.unwrap();
    }

    pub async fn repository(&self, id: Uuid) -> Repository {
        repositories::find_repository(&self.deps.db.read, id).await.unwrap().unwrap()
    }

    pub async fn rows(&self) -> Vec<String> {
        rows(&self.deps.db).await
    }
}

/// Everything that scans store, without ids and clock times, so that two databases can be compared.
pub async fn rows(db: &Db) -> Vec<String> {
    selected(db, ROWS).await
}

/// The times of commits that scans store: of use where both histories have the same commits, in one engine.
pub async fn times(db: &Db) -> Vec<String> {
    selected(db, TIMES).await
}

const TIMES: &[&str] = &[
    "SELECT kind, name, file_path, status, first_sequence, created_at, updated_at, deleted_at FROM kubernetesresource",
    "SELECT file_path, line, class, since FROM problem",
    "SELECT file_path, kind, name, from_time, to_time FROM chart_use",
    "SELECT sequence, time FROM use_commit",
];

const ROWS: &[&str] = &[
    "SELECT r.api_version, r.kind, r.name, r.namespace, r.namespace_inherited, r.file_path, r.file_hash, r.version, \
         r.status, r.first_sequence, r.events, r.line_start, r.line_end, r.chart_name, r.chart_url, d.data \
         FROM kubernetesresource r LEFT JOIN resource_data d ON d.resource_id = r.id",
    "SELECT e.sequence, e.event_type, e.resource_kind, e.resource_name, e.resource_namespace, e.file_path, \
         e.file_path_before, e.file_hash_before, e.file_hash_after, e.version_before, e.version_after, \
         e.changes_detected, e.changes, e.line_start, e.line_end, r.file_path AS now_at FROM kubernetesresourceevent e \
         JOIN kubernetesresource r ON r.id = e.resource_id",
    "SELECT sequence, subject, author_name, created, modified, deleted, resurrected FROM \"commit\"",
    "SELECT day, created, modified, deleted, resurrected, commits FROM repository_day",
    "SELECT size FROM manifest",
    "SELECT file_path, line, class, message FROM problem",
    "SELECT r.file_path, i.image, i.tag, i.digest, i.field_path FROM resource_image i \
         JOIN kubernetesresource r ON r.id = i.resource_id",
    "SELECT file_path, from_kind, from_name, field, kind, namespace, name, status, from_sequence, to_sequence \
         FROM reference",
    "SELECT active_resources, deleted_resources, events, helm_releases, problems, yaml_files FROM repository",
    "SELECT u.file_path, u.document, u.part, u.kind, u.name, u.release_name, u.namespace, c.key, s.key, u.chart_name, \
         u.source_url, u.version, u.version_kind, u.digest, u.how, u.reason, u.by_name, u.rendered, u.values_resolved, \
         u.values_missing, u.values_secret, u.variables, u.from_sequence, u.to_sequence, r.first_sequence FROM chart_use u \
         JOIN chart_release r ON r.id = u.release_id LEFT JOIN chart c ON c.id = u.chart_id \
         LEFT JOIN chart_source s ON s.id = u.source_id",
    "SELECT p.path, v.ordinal, v.kind, v.text, v.masked, v.file_path, v.line, v.from_sequence, v.to_sequence, c.key, \
         r.first_sequence FROM chart_value v JOIN chart_release r ON r.id = v.release_id \
         JOIN value_path p ON p.id = v.path_id LEFT JOIN chart c ON c.id = v.chart_id",
    "SELECT u.place, u.file_path, u.document, u.kind, u.name, u.path, u.ordinal, u.state, i.name, u.tag, u.digest, \
         u.written, u.variables, u.from_sequence, u.to_sequence, c.key FROM image_use u LEFT JOIN image i ON i.id = u.image_id \
         LEFT JOIN chart c ON c.id = u.chart_id",
    "SELECT sequence FROM use_commit",
];

async fn selected(db: &Db, questions: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for (number, question) in questions.iter().enumerate() {
        let cast: Vec<String> = question["SELECT ".len()..question.find(" FROM ").unwrap()]
            .split(", ")
            .map(|column| format!("COALESCE(CAST({} AS TEXT), '-')", column.split(" AS ").next().unwrap().trim()))
            .collect();
        let from = &question[question.find(" FROM ").unwrap()..];
        let statement = format!("SELECT {}{from}", cast.join(" || '|' || "));
        let statement = sea_orm::Statement::from_string(db.read.get_database_backend(), statement);
        let mut found: Vec<String> = Vec::new();
        for row in db.read.query_all_raw(statement).await.unwrap() {
            found.push(format!("{number}: {}", row.try_get_by_index::<String>(0).unwrap()));
        }
        found.sort();
        all.extend(found);
    }
    all
}
