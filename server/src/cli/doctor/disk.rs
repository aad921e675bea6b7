use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::report::Report;
use crate::config::Config;
use crate::web::health::free_bytes;

const MIB: u64 = 1 << 20;
/// A scan of a large repository writes as much.
const SCARCE: u64 = 2_048 * MIB;
/// Nothing gets done with less.
const TOO_LITTLE: u64 = 128 * MIB;

pub(super) fn look(report: &mut Report, config: &Config) {
    let folder = &config.app.data_dir;
    match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => {
            report.fail("data", format!("{} is no folder", folder.display()), "set app.data_dir to another place");
        }
        Ok(found) if found.permissions().mode() & 0o007 != 0 => {
            let message = format!("{} can be read by everybody; private repositories lie in it", folder.display());
            report.warn("data", message, format!("chmod o-rwx {}", folder.display()));
        }
        Ok(_) => report.ok("data", format!("{} is nobody else's to read", folder.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.ok("data", format!("{} is not there yet; the first start makes it", folder.display()));
        }
        Err(error) => {
            let message = format!("{} cannot be looked at: {error}", folder.display());
            report.fail("data", message, "give the user that runs the program the right to it, or set app.data_dir");
        }
    }
    let mut places = vec![folder.clone()];
    if config.storage.engine == "sqlite"
        && let Some(place) = config.sqlite_path().parent()
        && place != folder
    {
        places.push(place.to_owned());
    }
    for place in places {
        look_at_room(report, &place);
    }
}

fn look_at_room(report: &mut Report, place: &Path) {
    let there = existing(place);
    let Some(room) = free_bytes(&there) else {
        return report.warn("disk", format!("the room at {} cannot be told", there.display()), "look at it by df");
    };
    let message = format!("{} MB are free at {}", room / MIB, there.display());
    let advice = "make room, or let clones take less by app.max_disk_mb: those that can be fetched again go first";
    match room {
        ..TOO_LITTLE => report.fail("disk", message, advice),
        TOO_LITTLE..SCARCE => report.warn("disk", message, advice),
        _ => report.ok("disk", message),
    }
}

/// The folder, or the next one above that is there.
fn existing(place: &Path) -> PathBuf {
    let whole = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
    whole.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/")).to_owned()
}
