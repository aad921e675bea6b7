//! Puts the built site (WebAssembly, JavaScript, CSS, icons), the API's interactive documentation and the sample repositories
//! into the program.
//!
//! `KUBESTATS_SITE_DIR` names the folder that `make site` wrote. Without it, and in development builds, nothing
//! is put in, and the program reads the folder of that variable when it runs.

use std::{
    borrow::Cow,
    collections::HashSet,
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::{self, Cursor},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use zip::ZipArchive;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=KUBESTATS_SITE_DIR");
    let mut files = Vec::new();
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if let Some(root) = env::var_os("KUBESTATS_SITE_DIR").filter(|dir| release && !dir.is_empty()) {
        // Cargo runs build scripts in the crate's folder; people give paths from the workspace's root.
        let workspace = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
        let root = workspace.join(root);
        println!("cargo::rerun-if-changed={}", root.display());
        if root.is_dir() {
            let root = root.canonicalize()?;
            collect(&root, &root, &mut files)?;
        } else {
            println!(
                "cargo::warning=KUBESTATS_SITE_DIR is {}, which is no folder: the program will hold no site",
                root.display()
            );
        }
    }
    // The smallest form is enough: the others are made of it for the first who asks.
    let names: HashSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
    files.retain(|(name, _)| !names.contains(&format!("{}.br", name.strip_suffix(".gz").unwrap_or(name))));
    write_list("site.rs", files)?;
    write_docs()?;
    fold_code(release)?;

    // The sample repositories: bare, packed, one folder each. The scripts that make them stay outside.
    println!("cargo::rerun-if-changed=samples");
    let samples = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("samples");
    let mut files = Vec::new();
    collect(&samples, &samples, &mut files)?;
    let belongs =
        |file: &str| matches!(file, "HEAD" | "config" | "description" | "packed-refs") || file.starts_with("pack-");
    files.retain(|(name, _)| name.split_once('/').is_some_and(|(_, file)| belongs(file)));
    write_list("samples.rs", files)
}

/// What the interactive documentation of the API consists of.
const DOCS: [&str; 3] = ["swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-ui.css"];

/// Writes the files of Swagger UI as gzip, and a Rust list of them.
fn write_docs() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::var("OUT_DIR")?).join("docs");
    fs::create_dir_all(&dir)?;
    let mut all = ZipArchive::new(Cursor::new(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED))?;
    let names = all.file_names().map(|name| name.map(Cow::into_owned)).collect::<Result<Vec<String>, _>>()?;
    let mut files = Vec::new();
    for wanted in DOCS {
        let ending = format!("/dist/{wanted}");
        let name = names.iter().find(|name| name.ends_with(&ending)).ok_or(format!("Swagger UI has no {wanted}"))?;
        let packed = dir.join(format!("{wanted}.gz"));
        let mut packing = GzEncoder::new(fs::File::create(&packed)?, Compression::best());
        io::copy(&mut all.by_name(name)?, &mut packing)?;
        packing.finish()?;
        files.push((format!("{wanted}.gz"), packed));
    }
    write_list("docs.rs", files)
}

/// Has the linker keep one of functions that are the same: generic code is compiled for each of its types, and much of it
/// comes out alike. Only where the compiler brings a linker that can.
fn fold_code(release: bool) -> Result<(), env::VarError> {
    let target = env::var("TARGET")?;
    if release && target == "x86_64-unknown-linux-gnu" {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
    Ok(())
}

/// Writes a Rust list of (name, content). Contents are copied beside it: a target folder that several checkouts
/// share must not name files of one of them.
fn write_list(file: &str, mut files: Vec<(String, PathBuf)>) -> Result<(), Box<dyn Error>> {
    files.sort();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let copies = format!("{file}.files");
    fs::create_dir_all(out.join(&copies))?;
    let mut code = String::from("&[\n");
    for (place, (name, path)) in files.iter().enumerate() {
        let copy = format!("{copies}/{place}");
        fs::write(out.join(&copy), fs::read(path)?)?;
        writeln!(code, "    ({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{copy}\"))),")?;
    }
    code.push_str("]\n");
    fs::write(out.join(file), code)?;
    Ok(())
}

fn collect(root: &Path, dir: &Path, files: &mut Vec<(String, PathBuf)>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root)?.to_str().ok_or("a file of the site has a name that is not UTF-8")?;
            files.push((name.replace('\\', "/"), path));
        }
    }
    Ok(())
}
