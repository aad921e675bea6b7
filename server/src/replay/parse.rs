use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use entity::input::{FoundProblem, ObjectId};
use entity::kind::ProblemClass;
use git::{BlobReader, GitError};
use scan::file::{ParsedFile, read_file_masking, read_file_with_uses};
use scan::mask::Rules;
use scan::uses::ChartSources;
use yaml::Limits;

/// Dead entries are swept when so many blobs were added since the last sweep.
const SWEEP: usize = 16_384;

/// Grows whenever files tell more, or show less, than they did: what was stored before is then taken anew.
const FORMAT: i64 = 8;

/// By which rules a scan takes what it stores: the program's own, what is to be masked, and which places are those of one chart.
#[must_use]
pub fn scan_format(rules: &Rules, sources: &ChartSources) -> i64 {
    let masked = [rules.credentials, rules.urls, rules.emails];
    let format = masked.into_iter().fold(FORMAT, |format, is_on| (format << 1) | i64::from(is_on));
    // 32 bits of each, so that neither can be taken for the other.
    (format << 32) | i64::from(u32::try_from(sources.fingerprint() >> 32).unwrap_or_default())
}

/// Parses every blob once for as long as somebody holds what came of it.
pub struct Parser {
    limits: Limits,
    rules: Rules,
    with_uses: bool,
    files: Mutex<Files>,
}

#[derive(Default)]
struct Files {
    known: HashMap<ObjectId, Weak<ParsedFile>>,
    sweep_at: usize,
}

impl Parser {
    /// A parser that reads no file larger than `max_file_bytes`, and masks by these rules beside Secrets.
    #[must_use]
    pub fn new(max_file_bytes: usize, rules: Rules) -> Self {
        let limits = Limits { bytes: max_file_bytes, ..Limits::default() };
        Self { limits, rules, with_uses: false, files: Mutex::new(Files { known: HashMap::new(), sweep_at: SWEEP }) }
    }

    /// The same, with what files say of charts and images.
    #[must_use]
    pub fn with_uses(self) -> Self {
        Self { with_uses: true, ..self }
    }

    /// Bytes of the largest file that is read.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        self.limits.bytes as u64
    }

    /// The parsed file of a blob. One that cannot be read is a file with a problem and nothing else.
    pub fn file(&self, reader: &mut BlobReader<'_>, blob: ObjectId) -> Arc<ParsedFile> {
        if let Some(known) = self.files.lock().unwrap_or_else(PoisonError::into_inner).known.get(&blob)
            && let Some(file) = known.upgrade()
        {
            return file;
        }
        // Parsing happens outside the lock; two threads that meet the same new blob at once both parse it.
        let how = if self.with_uses { read_file_with_uses } else { read_file_masking };
        let read = reader.read(blob, |text| how(blob, text, &self.limits, &self.rules));
        let file = Arc::new(read.unwrap_or_else(|error| unreadable(blob, &error)));
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if files.known.len() >= files.sweep_at {
            files.known.retain(|_, file| file.strong_count() > 0);
            files.sweep_at = files.known.len() + SWEEP;
        }
        files.known.insert(blob, Arc::downgrade(&file));
        file
    }
}

fn unreadable(blob: ObjectId, error: &GitError) -> ParsedFile {
    let (class, bytes) = match error {
        GitError::BlobTooLarge { size, .. } => (ProblemClass::Size, *size),
        GitError::TooMuchToUnpack { .. } => (ProblemClass::Size, 0),
        _ => (ProblemClass::Object, 0),
    };
    ParsedFile::unreadable(blob, bytes, FoundProblem { class, line: None, column: None, message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::FORMAT;

    /// Whoever brings a version with others up has all repositories scanned anew, and is told so.
    #[test]
    fn operators_are_told_of_the_newest_rules() {
        let told: Vec<&str> = include_str!("../../../docs/operations.md").split_whitespace().collect();
        let format = format!("scan format {FORMAT},");
        assert!(told.join(" ").contains(&format), "docs/operations.md does not say {format:?}");
    }
}
