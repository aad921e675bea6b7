//! `charts`: what is known of charts beside what repositories say.

use std::path::PathBuf;
use std::sync::Arc;

use scan::uses::ChartSources;
use serde::Serialize;

use super::reader::Section;

/// Bytes of a file of sources.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// What is known of charts.
#[derive(Clone, Debug, Serialize)]
pub struct ChartsConfig {
    /// A file that says which places are those of one chart, beside those that the program knows.
    pub sources: Option<PathBuf>,
    /// Both together.
    #[serde(skip)]
    pub known: Arc<ChartSources>,
}

impl ChartsConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        let sources = section.text("sources").map(PathBuf::from);
        let known = sources.as_ref().and_then(|path| match section.reader().may_read(path).and_then(|()| read(path)) {
            Ok(known) => Some(known),
            Err(reason) => {
                section.error("sources", format!("{}: {reason}", path.display()));
                None
            }
        });
        section.finish();
        Self { sources, known: Arc::new(known.unwrap_or_else(ChartSources::built_in)) }
    }
}

fn read(path: &PathBuf) -> Result<ChartSources, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("is {size} bytes large; it may have {MAX_FILE_BYTES}"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    ChartSources::with(&text).map_err(|error| error.to_string())
}
