//! The samples that the program brings, counted by its own command line, against an independent count.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// A sample as git wants it: `server/samples` keeps the files of a bare repository side by side.
pub(super) fn unpack(name: &str, into: &Path) -> PathBuf {
    let repository = into.join(format!("{name}.git"));
    fs::create_dir_all(repository.join("objects/pack")).unwrap();
    fs::create_dir_all(repository.join("refs")).unwrap();
    for entry in fs::read_dir(samples().join(name)).unwrap() {
        let entry = entry.unwrap();
        let file = entry.file_name().into_string().unwrap();
        let folder = if file.starts_with("pack-") { "objects/pack" } else { "." };
        fs::copy(entry.path(), repository.join(folder).join(file)).unwrap();
    }
    repository
}

pub(super) fn said(command: &str, repository: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_kubestats"))
        .args([command, repository.to_str().unwrap(), "--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn figures_of_every_sample_agree_with_an_independent_count() {
    let folder = tempfile::tempdir().unwrap();
    let expected: Value = serde_json::from_slice(&fs::read(samples().join("expected.json")).unwrap()).unwrap();
    let expected = expected.as_object().unwrap();
    assert_eq!(expected.len(), 3);
    for (name, expected) in expected {
        let repository = unpack(name, folder.path());
        let scan = said("scan", &repository);
        assert_eq!(scan["commit"], expected["head"], "{name}");
        for (figure, value) in expected["expected"].as_object().unwrap() {
            assert_eq!(&scan[figure], value, "{name}: {figure}");
        }
        let mut unparsable: Vec<&Value> =
            scan["unparsable_files"].as_array().unwrap().iter().map(|file| &file["path"]).collect();
        unparsable.sort_by_key(|path| path.as_str());
        assert_eq!(unparsable, expected["unparsable_files"].as_array().unwrap().iter().collect::<Vec<_>>(), "{name}");

        let history = said("history", &repository);
        for (figure, value) in expected["history_events"].as_object().unwrap() {
            assert_eq!(&history["history_events"][figure], value, "{name}: {figure}");
        }
    }
}
