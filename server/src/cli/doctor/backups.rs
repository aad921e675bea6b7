use std::path::{Path, PathBuf};

use entity::view::Timestamp;
use rustix::fs::{Access, access};

use super::report::Report;
use crate::config::Config;
use crate::web::health::free_bytes;
use crate::{backup, clock};

const PART: &str = "backups";
/// A backup that is older tells of a schedule that does not run.
const STALE_DAYS: i64 = 7;

/// Looks at the folder that backups are kept in, or where they are as a rule.
pub(super) fn look(report: &mut Report, config: &Config, folder: Option<&Path>) {
    if let Some(folder) = folder {
        match found_in(config, folder, backup::list) {
            Ok(found) if found.is_empty() => {
                report.warn(
                    PART,
                    format!("there is none in {}", folder.display()),
                    how_to(&folder.display().to_string()),
                );
                look_at_folder(report, folder, 0);
            }
            Ok(found) => tell(report, folder, &found),
            Err(error) => {
                let message = format!("{} cannot be read: {error}", folder.display());
                report.fail(PART, message, "name the folder that backups are kept in");
            }
        }
        return;
    }
    let places = usual_places(config);
    let mut none = true;
    for place in &places {
        if let Ok(found) = found_in(config, place, backup::list_own)
            && !found.is_empty()
        {
            none = false;
            tell(report, place, &found);
        }
    }
    if !none {
        return;
    }
    if config.storage.engine == "sqlite" && !config.sqlite_path().exists() {
        return report.ok(PART, "there is nothing to back up yet");
    }
    let names: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    let message = format!("none was found in {}", names.join(", "));
    report.warn(PART, message, format!("{}; where they are elsewhere, --backups says where", how_to("DIR")));
}

fn how_to(folder: &str) -> String {
    format!("kubestats backup --output {folder} makes one; a timer or CronJob makes it every day")
}

/// Where a backup is written that nobody gives a place, where the documents put them, and beside what they are of.
fn usual_places(config: &Config) -> Vec<PathBuf> {
    let data = &config.app.data_dir;
    let mut places = vec![PathBuf::from("."), data.clone(), data.join("backups"), "/var/backups/kubestats".into()];
    if config.storage.engine == "sqlite"
        && let Some(beside) = config.sqlite_path().parent()
    {
        places.push(beside.to_owned());
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for place in places.iter().filter_map(|place| place.canonicalize().ok()) {
        if place.is_dir() && !found.contains(&place) {
            found.push(place);
        }
    }
    found
}

type Found = Vec<(PathBuf, Timestamp)>;

/// Backups in a folder, oldest first; never the database itself.
fn found_in(config: &Config, folder: &Path, list: fn(&Path) -> std::io::Result<Found>) -> std::io::Result<Found> {
    let is_live = |path: &Path| path.canonicalize().ok() == config.sqlite_path().canonicalize().ok();
    Ok(list(folder)?.into_iter().filter(|(path, _)| !is_live(path)).collect())
}

fn tell(report: &mut Report, folder: &Path, backups: &[(PathBuf, Timestamp)]) {
    let (Some((_, oldest)), Some((newest, time))) = (backups.first(), backups.last()) else { return };
    let days = |time: &Timestamp| (clock::now() - *time).num_days();
    let message = format!(
        "{} of them, the newest {} days old ({}), the oldest {} days",
        backups.len(),
        days(time),
        newest.display(),
        days(oldest)
    );
    match days(time) {
        ..STALE_DAYS => report.ok(PART, message),
        _ => report.warn(PART, message, "see why none was made since"),
    }
    look_at_folder(report, folder, std::fs::metadata(newest).map_or(0, |file| file.len()));
}

/// Whether the next one can be written there, which is about as large as the last.
fn look_at_folder(report: &mut Report, folder: &Path, bytes: u64) {
    if let Err(error) = access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        let message = format!("{} cannot be written by the user of this command: {error}", folder.display());
        report.warn(PART, message, "where the same user makes the backups, give it the right to the folder");
    }
    if let Some(free) = free_bytes(folder).filter(|free| *free <= bytes) {
        let message = format!("{} has {free} bytes free, the newest backup took {bytes}", folder.display());
        report.warn(PART, message, "make room, such as by removing the oldest ones");
    }
}
