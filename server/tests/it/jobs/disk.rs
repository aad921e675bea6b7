//! The disk full, that of the clones or that of the database. The program says so and how to mend it, and goes on by
//! itself once there is room.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use entity::{
    kind::{JobState, SyncStatus},
    view::{PageQuery, RepositoryFilter},
};
use sea_orm::Statement;
use store::{
    db::{ConnectionTrait as _, Db},
    repositories,
};

use super::database::asked;
use super::processes::{PATIENCE, open, stop};
use super::repository::{Origins, rows};
use super::world::jobs_of;
use crate::support::address_in;

/// What lies on the small disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Clones,
    Database,
}

/// A program whose clones or database lie on a disk of their own of a few megabytes.
struct SmallDisk {
    child: Child,
    folder: tempfile::TempDir,
    database: PathBuf,
}

/// Whether a file system may be mounted here, in a name space of its own.
fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-rm", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"])
        .stdin(Stdio::null())
        .output();
    tried.is_ok_and(|output| output.status.success())
}

impl SmallDisk {
    /// Starts with so little room left; what else there is lies elsewhere.
    fn start(origins: &[&Origins], holds: Holds, megabytes: u32, taken_kb: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (small, roomy) = (folder.path().join("small"), folder.path().join("roomy"));
        fs::create_dir(&small).unwrap();
        fs::create_dir(&roomy).unwrap();
        let (data, database) = match holds {
            Holds::Clones => (small.clone(), roomy.join("kubestats.db")),
            Holds::Database => (roomy.clone(), small.join("kubestats.db")),
        };
        let mut text = format!(
            "app:\n  data_dir: {}\n  listen: 127.0.0.1:0\n  log_level: server::start=info,warn\nsecurity:\n  \
             allow_local_repositories: true\nrepositories:\n",
            data.display()
        );
        for (number, origin) in origins.iter().enumerate() {
            text.push_str(&format!("  - url: {}\n    name: ada/r{number}\n", origin.path().display()));
        }
        fs::write(folder.path().join("kubestats.yaml"), text).unwrap();
        let log = fs::File::options().create(true).append(true).open(folder.path().join("log")).unwrap();
        let script = "mount -t tmpfs -o size=$2m tmpfs \"$1\" && head -c $(($3 * 1024)) /dev/zero > \"$1/filler\" && \
                      shift 3 && exec \"$@\"";
        let child = Command::new("unshare")
            .args(["-rm", "sh", "-c", script, "sh"])
            .arg(&small)
            .args([megabytes.to_string(), taken_kb.to_string()])
            .arg(env!("CARGO_BIN_EXE_kubestats"))
            .args(["serve", "--config"])
            .arg(folder.path().join("kubestats.yaml"))
            .env("DATABASE_URL", format!("sqlite://{}", database.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, folder, database }
    }

    /// The file that takes up the room, as it is seen from outside the name space.
    fn inside(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.child.id()));
        root.join(path.strip_prefix("/").unwrap())
    }

    fn make_room(&self) {
        fs::remove_file(self.inside(&self.folder.path().join("small/filler"))).unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    async fn until<T>(&mut self, what: &str, is: impl AsyncFn() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = is().await {
                return found;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "the program ended: {}", self.log());
            assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn standing(db: &Db) -> Vec<(String, SyncStatus, Option<String>, SyncStatus)> {
    let page = PageQuery { skip: 0, limit: 100 };
    let filter = RepositoryFilter { page, ..RepositoryFilter::default() };
    let Ok(all) = repositories::list_repositories(&db.read, &filter).await else { return Vec::new() };
    let stands =
        |found: entity::view::Repository| (found.full_name, found.sync_status, found.sync_error, found.scan_status);
    all.data.into_iter().map(stands).collect()
}

async fn is_well(db: &Db, count: usize) -> Option<()> {
    let all = standing(db).await;
    let well = |found: &(String, SyncStatus, Option<String>, SyncStatus)| {
        (found.1, found.3) == (SyncStatus::Success, SyncStatus::Success)
    };
    (all.len() == count && all.iter().all(well)).then_some(())
}

/// What waits for its time need not wait any longer.
async fn pass_time(db: &Db) {
    let sql = "UPDATE job SET run_at = $1 WHERE state = 'queued' AND run_at > $1";
    let past = Utc::now() - TimeDelta::seconds(1);
    let statement = Statement::from_sql_and_values(db.write.get_database_backend(), sql, [past.into()]);
    // The program may be writing at this moment; the caller comes again.
    let _ = db.write.execute_raw(statement).await;
}

/// A history of what cannot be packed into less: so many kilobytes, some of them manifests.
fn heavy(kilobytes: usize, commits: usize) -> Origins {
    let origin = Origins::new();
    let mut seed: u64 = 42;
    let mut noise = |bytes: usize| {
        let mut text = String::with_capacity(bytes);
        while text.len() < bytes {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{:016x}", seed ^ (seed >> 29)));
        }
        text
    };
    for commit in 0..commits {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: heavy\ndata:\n  noise: \"{}\"\n",
            noise(kilobytes * 1024 / commits)
        );
        origin.commit(&format!("change {commit}"), &[("heavy.yaml", Some(&text))]);
    }
    origin
}

fn light() -> Origins {
    let origin = Origins::new();
    origin.commit("add", &[("a.yaml", Some("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"))]);
    origin
}

async fn undisturbed(origins: &[&Origins]) -> Vec<String> {
    let mut roomy = SmallDisk::start(origins, Holds::Clones, 200, 1);
    address_in(&|| roomy.log()).await;
    let db = open(&format!("sqlite://{}", roomy.database.display())).await;
    roomy.until("everything is scanned", async || is_well(&db, origins.len()).await).await;
    let expected = rows(&db).await;
    stop(&mut roomy.child);
    db.close().await.unwrap();
    expected
}

#[tokio::test(flavor = "multi_thread")]
async fn clones_that_find_no_room_wait_for_it() {
    if !may_mount() {
        println!("skipped: no file system may be mounted here");
        return;
    }
    let (heavy, light) = (heavy(3_000, 6), light());
    let origins = [&heavy, &light];
    let expected = undisturbed(&origins).await;

    let mut small = SmallDisk::start(&origins, Holds::Clones, 8, 7_200);
    address_in(&|| small.log()).await;
    let db = open(&format!("sqlite://{}", small.database.display())).await;
    let refused = async || {
        let all = standing(&db).await;
        all.into_iter().find(|found| found.0 == "ada/r0" && found.1 == SyncStatus::Error)
    };
    let (_, _, reason, _) = small.until("the full disk is told of", refused).await;
    let reason = reason.unwrap();
    assert!(reason.contains("no room left on the disk") && reason.contains("app.max_disk_mb"), "{reason}");
    let other = async || {
        let all = standing(&db).await;
        all.iter().any(|found| found.0 == "ada/r1" && found.3 == SyncStatus::Success).then_some(())
    };
    small.until("what fits is synced and scanned", other).await;
    // It looks again and again, and is neither given up nor left in the middle.
    for _ in 0..5 {
        pass_time(&db).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let failed = jobs_of(&db, Some(JobState::Failed)).await;
    assert!(failed.is_empty(), "a full disk is no failure of a job: {failed:#?}");
    let left = small.inside(&small.folder.path().join("small/repos"));
    let left = fs::read_dir(left).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let halves: Vec<String> = left.filter(|name| name.contains(".tmp-")).collect();
    let running = !jobs_of(&db, Some(JobState::Running)).await.is_empty();
    assert!(halves.is_empty() || running, "{halves:?}");

    small.make_room();
    let well = async || {
        pass_time(&db).await;
        is_well(&db, 2).await
    };
    small.until("all is well once there is room", well).await;
    assert_eq!(rows(&db).await, expected);
    stop(&mut small.child);
}

/// What lies on the small disk can only be read from outside its name space as a copy, for which the program stands still:
/// else what it writes meanwhile may be in one file and not in the other.
async fn copied_rows(disk: &SmallDisk) -> Vec<String> {
    let id = disk.child.id().to_string();
    assert!(Command::new("kill").args(["-STOP", &id]).status().unwrap().success());
    let began = Instant::now();
    let state = || fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    while !state().rsplit_once(") ").unwrap().1.starts_with('T') {
        assert!(began.elapsed() < PATIENCE, "the program goes on: {}", state());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let copies = tempfile::tempdir().unwrap();
    for ending in ["", "-wal"] {
        let name = format!("kubestats.db{ending}");
        fs::copy(disk.inside(&disk.folder.path().join("small").join(&name)), copies.path().join(&name)).unwrap();
    }
    assert!(Command::new("kill").args(["-CONT", &id]).status().unwrap().success());
    let db = open(&format!("sqlite://{}", copies.path().join("kubestats.db").display())).await;
    let rows = rows(&db).await;
    db.close().await.unwrap();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_finds_no_room_waits_for_it() {
    if !may_mount() {
        println!("skipped: no file system may be mounted here");
        return;
    }
    let (heavy, light) = (heavy(12_000, 6), light());
    let origins = [&heavy, &light];
    let expected = undisturbed(&origins).await;

    // An empty database fits, the texts of the history do not.
    let mut small = SmallDisk::start(&origins, Holds::Database, 64, 62_500);
    let address = address_in(&|| small.log()).await;
    let told = async || {
        asked(address, "/api/v1/jobs").await.1.contains("the disk of the database is full; make room").then_some(())
    };
    small.until("the job that found no room says so", told).await;
    let (status, page) = asked(address, "/").await;
    assert_eq!(status, 200, "what is stored can still be read: {page}");
    let (_, all) = asked(address, "/api/v1/repositories/").await;
    assert!(all.matches("\"scan_status\":\"success\"").count() < 2, "there was room for everything: {all}");
    small.make_room();
    let well = async || {
        let (status, _) = asked(address, "/health").await;
        let (_, all) = asked(address, "/api/v1/repositories/").await;
        (status == 200 && all.matches("\"scan_status\":\"success\"").count() == 2).then_some(())
    };
    small.until("all is well once there is room", well).await;
    let (_, failed) = asked(address, "/api/v1/jobs?state=failed").await;
    assert!(failed.contains("\"count\":0"), "a full disk is no failure of a job: {failed}");
    assert_eq!(copied_rows(&small).await, expected);
    stop(&mut small.child);
}
