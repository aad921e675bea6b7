//! The sample repositories that the program brings: bare Git repositories, embedded, written to the data
//! directory on first start, so that the pages are alive before anything is configured.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use entity::input::FoundRepository;
use entity::kind::{Origin, Provider};

/// `<sample>/<file>` and the file's content.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/samples.rs"));

/// A sample's files by name.
type Files = Vec<(&'static str, &'static [u8])>;

/// Why a sample could not be written.
#[derive(Debug, thiserror::Error)]
#[error("sample repository {name} cannot be written to {path}: {source}")]
pub struct SampleError {
    name: String,
    path: PathBuf,
    source: std::io::Error,
}

/// Writes every sample under `<data_dir>/samples` unless it stands there already, and says where they are.
///
/// # Errors
/// If the data directory cannot be written to.
pub fn write_all(data_dir: &Path) -> Result<Vec<FoundRepository>, SampleError> {
    let mut samples: BTreeMap<&str, Files> = BTreeMap::new();
    for (path, content) in EMBEDDED {
        if let Some((name, file)) = path.split_once('/') {
            samples.entry(name).or_default().push((file, content));
        }
    }
    samples
        .into_iter()
        .map(|(name, files)| {
            let path = data_dir.join("samples").join(format!("{name}.git"));
            write(&path, &files)
                .map_err(|source| SampleError { name: name.to_owned(), path: path.clone(), source })
                .map(|()| sample(name, &path, &files))
        })
        .collect()
}

fn sample(name: &str, path: &Path, files: &[(&str, &[u8])]) -> FoundRepository {
    let description = files
        .iter()
        .find(|(file, _)| *file == "description")
        .map(|(_, text)| String::from_utf8_lossy(text).trim().to_owned())
        .filter(|text| !text.is_empty());
    FoundRepository {
        url: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string(),
        owner: "samples".to_owned(),
        name: name.to_owned(),
        full_name: format!("samples/{name}"),
        description,
        provider: Provider::Git,
        origin: Origin::Sample,
        web_url: None,
        enabled: true,
        branch_regex: None,
        polling_interval_seconds: None,
        topics: vec!["sample".to_owned()],
    }
}

/// A sample is written beside its place and moved there, so that a killed start leaves none half.
fn write(path: &Path, files: &[(&str, &[u8])]) -> std::io::Result<()> {
    let refs = files.iter().find(|(file, _)| *file == "packed-refs").map(|(_, text)| *text);
    if std::fs::read(path.join("packed-refs")).ok().as_deref() == refs && refs.is_some() {
        return Ok(());
    }
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&partial);
    for folder in ["objects/pack", "objects/info", "refs/heads", "refs/tags"] {
        std::fs::create_dir_all(partial.join(folder))?;
    }
    for (file, content) in files {
        let place =
            if file.starts_with("pack-") { partial.join("objects/pack").join(file) } else { partial.join(file) };
        std::fs::write(place, content)?;
    }
    if path.exists() {
        std::fs::remove_dir_all(path)?;
    }
    std::fs::rename(&partial, path)
}
