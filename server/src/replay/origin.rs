use std::collections::HashMap;
use std::ops::ControlFlow;

use entity::found::{FileProblems, FoundProblem, ScannedCommit};
use git::{ChainCommit, Repo};
use scan::replay::{MemoryError, ProblemOrigin};

use super::Parser;

/// Since which commit files have the problems that they have at one commit, after the branch was rewritten behind it.
///
/// What is stored tells it where the commit is still on the line; else the file is followed back through the clone.
pub(super) struct Origins {
    /// The line up to the commit, oldest first.
    line: Vec<ChainCommit>,
    /// By path: what is stored and comes from a commit of the line.
    stored: HashMap<String, FileProblems>,
}

impl Origins {
    pub(super) fn new(repo: &Repo, at: ScannedCommit, stored: Vec<FileProblems>) -> Result<Self, MemoryError> {
        let line = repo.first_parent_chain(at.id, None)?.commits;
        let kept: std::collections::HashSet<_> = line.iter().map(|commit| commit.id).collect();
        let stored = stored.into_iter().filter(|file| kept.contains(&file.commit));
        Ok(Self { line, stored: stored.map(|file| (file.file_path.clone(), file)).collect() })
    }

    pub(super) fn find(
        &self,
        repo: &Repo,
        parser: &Parser,
        path: &str,
        problems: &[FoundProblem],
    ) -> Result<ProblemOrigin, MemoryError> {
        if let Some(stored) = self.stored.get(path).filter(|stored| same(&stored.problems, problems)) {
            return Ok((stored.commit, stored.since));
        }
        let mut origin = None;
        repo.with_blob_reader(parser.max_bytes(), |reader| {
            repo.trace_back(&self.line, path, |stretch| {
                if stretch.blob.is_none_or(|blob| !same(&parser.file(reader, blob).problems, problems)) {
                    return ControlFlow::Break(());
                }
                origin = Some((stretch.first.id, stretch.first.committed_at));
                ControlFlow::Continue(())
            })
        })?;
        origin.ok_or_else(|| format!("{path} has no such problems where the branch was left").into())
    }
}

/// Whether a reader would call them the same; the class may depend on other files.
fn same(left: &[FoundProblem], right: &[FoundProblem]) -> bool {
    let told = |problem: &FoundProblem| (problem.line, problem.column, problem.message.replace('\0', "\u{fffd}"));
    left.iter().map(told).eq(right.iter().map(told))
}
