//! Programs that others wrote in Python, for tests against them: each in an environment of its own, with what a list pins.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The Python of the environment of this name, with what the list wants; several tests may ask at once, and the first of them
/// installs.
///
/// # Errors
/// Why there is none: no Python, or nothing that it could be installed from.
pub fn environment(name: &str, wanted: &str) -> Result<PathBuf, String> {
    let caches =
        ["KUBESTATS_CACHE", "XDG_CACHE_HOME", "HOME"].map(std::env::var_os).map(|path| path.map(PathBuf::from));
    let [own, caches, home] = caches;
    let cache = own.or_else(|| Some(caches.or_else(|| Some(home?.join(".cache")))?.join("kubestats")));
    let cache = cache.ok_or("there is no home")?;
    let (folder, lock) = (cache.join(name), cache.join(format!("{name}.lock")));
    fs::create_dir_all(&cache).map_err(|error| error.to_string())?;
    let lock = fs::File::create(lock).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let (python, installed) = (folder.join("bin/python"), folder.join("installed.txt"));
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let list = folder.join("wanted.txt");
    fs::write(&list, wanted).map_err(|error| error.to_string())?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-deps", "-r"])
        .arg(&list))?;
    fs::write(&installed, wanted).map_err(|error| error.to_string())?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let Output { status, stderr, .. } = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let error = String::from_utf8_lossy(&stderr);
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}: {}", error.trim())) }
}
