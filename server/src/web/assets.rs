//! The site's files: WebAssembly, JavaScript, CSS, icons; from inside the program or, while developing, from
//! a folder. Pages read and links work without them, so a missing site is a warning, not an end.

use std::{
    collections::{BTreeMap, HashMap},
    io::{Read as _, Write as _},
    path::{Component, Path, PathBuf},
    sync::OnceLock,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use brotli_decompressor::Decompressor;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::{etag, security};

/// Every file of the site as it was when the program was built; of what is compressed, only the smallest form.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// Bytes unpacked at a time.
const BUFFER: usize = 16 << 10;

/// Says which file has which logical name.
const MANIFEST: &str = "manifest.json";

/// A file of the site with what is sent along.
///
/// Where the program holds one form alone, the others are made for the first who takes nothing else, and kept: however many
/// connections wait with a form, it is in memory once.
#[derive(Clone, Debug)]
pub struct Asset {
    plain: OnceLock<Bytes>,
    brotli: Option<Bytes>,
    gzip: OnceLock<Bytes>,
    etag: HeaderValue,
    content_type: HeaderValue,
    cache: HeaderValue,
}

/// Where the site's files come from.
#[derive(Clone, Debug)]
pub enum Site {
    /// From inside the program.
    Embedded {
        /// Files by name.
        files: HashMap<&'static str, Asset>,
        /// What `manifest.json` says.
        manifest: Manifest,
    },
    /// From a folder, read anew for each request so that a rebuilt site shows at once.
    Folder(PathBuf),
    /// There is none.
    Missing,
}

/// Logical name (`main.css`) to file name (`main-1a2b3c4d.css`).
pub type Manifest = BTreeMap<String, String>;

impl Site {
    /// The site that the program holds, else the one in the folder, else none with a warning in the log.
    #[must_use]
    pub fn open(folder: Option<PathBuf>) -> Self {
        if let Some(site) = Self::embedded(EMBEDDED) {
            return site;
        }
        match folder {
            Some(folder) if folder.join(MANIFEST).is_file() => Self::Folder(folder),
            folder => {
                let folder =
                    folder.map_or_else(|| "KUBESTATS_SITE_DIR is not set".to_owned(), |dir| dir.display().to_string());
                tracing::warn!(
                    folder,
                    "there is no built site, pages show without styles and scripts: run `make site`"
                );
                Self::Missing
            }
        }
    }

    /// A site of these files; none without a manifest among them.
    fn embedded(held: &'static [(&'static str, &'static [u8])]) -> Option<Self> {
        let all: HashMap<&str, &'static [u8]> = held.iter().copied().collect();
        let manifest = read_manifest(all.get(MANIFEST)?);
        let part =
            |name: &str, ending: &str| all.get(format!("{name}{ending}").as_str()).copied().map(Bytes::from_static);
        let names = held.iter().map(|(name, _)| name.strip_suffix(".br").unwrap_or(name));
        let asset =
            |name| Asset::new(name, !at_root(&manifest, name), part(name, ""), part(name, ".br"), part(name, ".gz"));
        let files = names.filter(|name| is_served(name)).map(|name| (name, asset(name))).collect();
        Some(Self::Embedded { files, manifest })
    }

    /// Which file has which logical name, as it is now.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        match self {
            Self::Embedded { manifest, .. } => manifest.clone(),
            Self::Folder(root) => {
                std::fs::read(root.join(MANIFEST)).map(|bytes| read_manifest(&bytes)).unwrap_or_default()
            }
            Self::Missing => Manifest::new(),
        }
    }

    /// Of which build the site is: pages of another one are loaded whole at the next navigation.
    #[must_use]
    pub fn build(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for (name, file) in self.manifest() {
            hash.update(name.as_bytes()).update(b"=").update(file.as_bytes()).update(b"\n");
        }
        hash.finalize().to_hex()[..16].to_owned()
    }

    /// The answer for a file below `/assets/`, `None` where no such file is.
    pub async fn serve(&self, name: &str, request: &HeaderMap) -> Option<Response> {
        if !is_served(name) {
            return None;
        }
        match self {
            Self::Embedded { files, .. } => files.get(name).map(|asset| asset.answer(request)),
            Self::Folder(root) => {
                let file = root.join(safe(name)?);
                let plain = tokio::fs::read(&file).await.ok()?;
                let sibling = async |ending: &str| {
                    let mut path = file.clone().into_os_string();
                    path.push(".");
                    path.push(ending);
                    tokio::fs::read(path).await.ok().map(Bytes::from)
                };
                let (brotli, gzip) = (sibling("br").await, sibling("gz").await);
                let hashed = !at_root(&self.manifest(), name);
                Some(Asset::new(name, hashed, Some(Bytes::from(plain)), brotli, gzip).answer(request))
            }
            Self::Missing => None,
        }
    }

    /// The answer for a file that browsers and robots look for at `/`, such as `/favicon.ico`.
    pub async fn serve_at_root(&self, path: &str, request: &HeaderMap) -> Option<Response> {
        let name = path.strip_prefix('/')?;
        let known = match self {
            Self::Embedded { manifest, .. } => at_root(manifest, name),
            Self::Folder(_) => at_root(&self.manifest(), name),
            Self::Missing => false,
        };
        if known { self.serve(name, request).await } else { None }
    }
}

impl Asset {
    pub(super) fn new(
        name: &str,
        hashed: bool,
        plain: Option<Bytes>,
        brotli: Option<Bytes>,
        gzip: Option<Bytes>,
    ) -> Self {
        let held = plain.as_ref().or(brotli.as_ref()).or(gzip.as_ref()).map_or(&[][..], |bytes| bytes);
        let tag = format!("W/\"{}\"", &blake3::hash(held).to_hex()[..32]);
        let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
        Self {
            plain: plain.map(OnceLock::from).unwrap_or_default(),
            brotli,
            gzip: gzip.map(OnceLock::from).unwrap_or_default(),
            etag: HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("W/\"0\"")),
            content_type: HeaderValue::from_static(content_type(name)),
            cache: HeaderValue::from_static(cache),
        }
    }

    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, self.cache.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        let held = request.get_all(header::IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
        if self.etag.to_str().is_ok_and(|tag| etag::matches(&held, tag)) {
            return etag::not_modified(&headers);
        }
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        if self.content_type == content_type("live.js") {
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(security::WORKER_POLICY));
        }
        let accepted = Accepted::of(request);
        let (body, encoding) = match &self.brotli {
            Some(body) if accepted.brotli => (body.clone(), Some("br")),
            brotli if accepted.gzip && (brotli.is_some() || self.gzip.get().is_some()) => {
                (self.gzip.get_or_init(|| self.packed()).clone(), Some("gzip"))
            }
            _ => (self.plain.get_or_init(|| self.unpacked()).clone(), None),
        };
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        (headers, Body::from(body)).into_response()
    }

    fn unpacked(&self) -> Bytes {
        let mut file = Vec::new();
        let read = match (&self.brotli, self.gzip.get()) {
            (Some(packed), _) => Decompressor::new(&packed[..], BUFFER).read_to_end(&mut file),
            (None, Some(packed)) => GzDecoder::new(&packed[..]).read_to_end(&mut file),
            (None, None) => Ok(0),
        };
        if let Err(error) = read {
            tracing::error!(%error, "a file of the site can't be unpacked");
        }
        Bytes::from(file)
    }

    fn packed(&self) -> Bytes {
        let plain = self.plain.get().cloned().unwrap_or_else(|| self.unpacked());
        let mut packing = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to memory fails for nobody.
        let packed = packing.write_all(&plain).and_then(|()| packing.finish());
        packed.map(Bytes::from).unwrap_or_default()
    }
}

/// Which of our encodings a client takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Accepted {
    brotli: bool,
    gzip: bool,
}

impl Accepted {
    fn of(request: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        let mut rest = None;
        let (mut brotli, mut gzip) = (None, None);
        for value in request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()) {
            for part in value.split(',') {
                let mut pieces = part.split(';').map(str::trim);
                let name = pieces.next().unwrap_or_default().to_ascii_lowercase();
                let weight = pieces.find_map(|piece| piece.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok());
                let wanted = weight.is_none_or(|q| q > 0.0);
                match name.as_str() {
                    "br" => brotli = Some(wanted),
                    "gzip" => gzip = Some(wanted),
                    "*" => rest = Some(wanted),
                    _ => {}
                }
            }
        }
        accepted.brotli = brotli.or(rest).unwrap_or(false);
        accepted.gzip = gzip.or(rest).unwrap_or(false);
        accepted
    }
}

/// A path that stays within its folder.
fn safe(name: &str) -> Option<&Path> {
    let path = Path::new(name);
    path.components().all(|part| matches!(part, Component::Normal(_))).then_some(path)
}

/// What stays inside: the manifest and the compressed forms of other files.
fn is_served(name: &str) -> bool {
    !name.is_empty() && name != MANIFEST && !name.ends_with(".br") && !name.ends_with(".gz")
}

/// Files that keep their name are served at `/`; all others have a hash in it and never change.
fn at_root(manifest: &Manifest, name: &str) -> bool {
    manifest.get(name).is_some_and(|file| file == name)
}

fn read_manifest(bytes: &[u8]) -> Manifest {
    serde_json::from_slice(bytes).unwrap_or_else(|error| {
        tracing::error!(%error, "manifest.json of the site cannot be read: run `make site`");
        Manifest::new()
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "html" => "text/html; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
