use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use entity::input::ObjectId;
use git::{BlobReader, FileKind, GitError, Repo, TreeFile, TreeLimits};
use scan::mask::Rules;
use scan::uses::{Blobs, Change, ChartSources, Evaluator, FileFacts};
use yaml::Limits;

use super::head::each_file;

/// Blobs of a repository, for files that others name: values, ConfigMaps, charts.
pub struct RepoBlobs<'r> {
    repo: &'r Repo,
    max_bytes: u64,
}

impl<'r> RepoBlobs<'r> {
    /// Blobs of at most so many bytes.
    #[must_use]
    pub fn new(repo: &'r Repo, max_bytes: u64) -> Self {
        Self { repo, max_bytes }
    }
}

impl Blobs for RepoBlobs<'_> {
    fn read(&self, id: ObjectId) -> Option<Vec<u8>> {
        // One that cannot be read is to those who name it as if it were missing.
        self.repo.read_blob(id, self.max_bytes).ok()
    }
}

/// Finds out what the tree of a commit uses.
///
/// # Errors
/// If the commit or its trees cannot be read; a file that cannot is taken to be empty.
pub fn uses_of_head(
    repo: &Repo,
    commit: ObjectId,
    sources: Arc<ChartSources>,
    max_file_bytes: usize,
    threads: usize,
) -> Result<Evaluator, GitError> {
    let max_bytes = max_file_bytes as u64;
    let (changes, _) = tree_changes(repo, commit, &Rules::default(), max_bytes, threads)?;
    let mut evaluator = Evaluator::new(sources);
    evaluator.apply(changes, &RepoBlobs::new(repo, max_bytes));
    Ok(evaluator)
}

/// The tree of a commit, as changes of an empty one, and how many bytes of text its facts were read from.
///
/// # Errors
/// If the commit or its trees cannot be read; a file that cannot is taken to be empty.
pub fn tree_changes(
    repo: &Repo,
    commit: ObjectId,
    rules: &Rules,
    max_bytes: u64,
    threads: usize,
) -> Result<(Vec<Change>, usize), GitError> {
    let listing = repo.tree_files(commit, &TreeLimits::default())?;
    let regular = |file: &TreeFile| matches!(file.kind, FileKind::Regular | FileKind::Executable);
    let files: Vec<TreeFile> = listing.files.into_iter().filter(regular).collect();
    let limits = Limits { bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX), ..Limits::default() };
    let bytes = AtomicUsize::new(0);
    let read = |reader: &mut BlobReader<'_>, file: &TreeFile| {
        let facts = FileFacts::are_of(&file.path).then(|| {
            let facts = reader.read(file.id, |text| {
                bytes.fetch_add(text.len(), Ordering::Relaxed);
                FileFacts::read_masking(text, &limits, rules)
            });
            Arc::new(facts.unwrap_or_default()).at_path(&file.path)
        });
        Change { path: file.path.as_str().into(), after: Some((file.id, facts)) }
    };
    let mut changes = Vec::with_capacity(files.len());
    each_file(repo, &files, max_bytes, threads, read, |_, change| changes.push(change));
    Ok((changes, bytes.into_inner()))
}
