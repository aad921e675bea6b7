use std::collections::BTreeMap;
use std::sync::mpsc;

use entity::input::{FoundProblem, ObjectId};
use git::{BlobReader, GitError, Repo, TreeFile, TreeLimits};
use scan::figures::{Tally, TreeFigures};

use super::Parser;

/// Files that a thread reads ahead of its turn.
const AHEAD: usize = 16;

/// What a repository holds at one commit.
pub struct HeadScan {
    pub commit: ObjectId,
    pub figures: TreeFigures,
    /// Charts by name and version, with the number of resources that install them.
    pub charts: BTreeMap<(String, String), u64>,
    /// Images as written, with the number of places.
    pub images: BTreeMap<String, u64>,
    /// Everything that is not as it should be, by path.
    pub problems: Vec<(String, FoundProblem)>,
}

/// Reads and counts every YAML file of a commit.
///
/// # Errors
/// If the commit or its trees cannot be read; a file that cannot is among the problems.
pub fn scan_head(repo: &Repo, commit: ObjectId, parser: &Parser, threads: usize) -> Result<HeadScan, GitError> {
    let listing = repo.tree_files(commit, &TreeLimits::default())?;
    let wanted = |file: &TreeFile| {
        matches!(file.kind, git::FileKind::Regular | git::FileKind::Executable) && git::is_yaml_path(&file.path)
    };
    let files: Vec<TreeFile> = listing.files.into_iter().filter(wanted).collect();
    let mut tally = Tally::default();
    let mut head = HeadScan {
        commit,
        figures: TreeFigures::default(),
        charts: BTreeMap::new(),
        images: BTreeMap::new(),
        problems: Vec::new(),
    };
    let parse = |reader: &mut BlobReader<'_>, file: &TreeFile| parser.file(reader, file.id);
    each_file(repo, &files, parser.max_bytes(), threads, parse, |file, parsed| {
        tally.add(&file.path, &parsed);
        for facts in parsed.manifests.iter().map(|manifest| &manifest.facts) {
            for chart in &facts.charts {
                let version = chart.version.clone().unwrap_or_default();
                *head.charts.entry((chart.name.clone(), version)).or_default() += 1;
            }
            for image in &facts.images {
                let tag = image.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
                let digest = image.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
                *head.images.entry(format!("{}{tag}{digest}", image.image)).or_default() += 1;
            }
        }
        head.problems.extend(parsed.problems.iter().map(|problem| (file.path.clone(), problem.clone())));
    });
    for odd in listing.odd_paths {
        let message = odd.reason.sentence().to_owned();
        let class = entity::kind::ProblemClass::Path;
        head.problems.push((odd.path, FoundProblem { class, line: None, column: None, message }));
    }
    head.figures = tally.finish();
    Ok(head)
}

/// Reads files of at most so many bytes on all threads and hands over what came of each, in the files' order: what was taken
/// is let go, so that the memory of one file serves the next.
pub(super) fn each_file<T: Send>(
    repo: &Repo,
    files: &[TreeFile],
    max_bytes: u64,
    threads: usize,
    read: impl Fn(&mut BlobReader<'_>, &TreeFile) -> T + Sync,
    mut take: impl FnMut(&TreeFile, T),
) {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    if threads == 1 {
        return repo.with_blob_reader(max_bytes, |reader| files.iter().for_each(|file| take(file, read(reader, file))));
    }
    std::thread::scope(|scope| {
        // Each thread reads every so manieth file, and only so far ahead of its turn.
        let reading = |first: usize| {
            let (done, found) = mpsc::sync_channel(AHEAD);
            let read = &read;
            scope.spawn(move || {
                repo.with_blob_reader(max_bytes, |reader| {
                    for file in files.iter().skip(first).step_by(threads) {
                        // Nobody listens where this thread's fellow panicked.
                        if done.send(read(reader, file)).is_err() {
                            return;
                        }
                    }
                });
            });
            found
        };
        let found: Vec<mpsc::Receiver<T>> = (0..threads).map(reading).collect();
        for (file, found) in files.iter().zip(found.iter().cycle()) {
            // A thread that panicked ends all of it with the scope.
            let Ok(found) = found.recv() else { return };
            take(file, found);
        }
    });
}
