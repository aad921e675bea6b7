use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use entity::input::{FileProblems, FoundProblem, ObjectId};
use entity::kind::ProblemClass;
use git::{ChainCommit, GitError, OddPath, Repo};
use scan::replay::{MemoryError, ProblemOrigin};

use super::Parser;

/// Trees looked at for all odd paths of a repository together; real ones have a handful in a few thousand commits.
const MAX_LOOKS: usize = 1_000_000;

/// Since which commit files have the problems that they have at one commit.
///
/// What is stored tells it where that commit is on the line; else the path is followed back through the clone.
pub struct Origins {
    /// The line up to the commit, oldest first.
    line: Vec<ChainCommit>,
    /// By path: what is stored and comes from a commit of the line.
    stored: HashMap<String, FileProblems>,
}

impl Origins {
    /// Origins of what stands at the line's last commit; `stored` are the problems that are known.
    #[must_use]
    pub fn new(line: Vec<ChainCommit>, stored: Vec<FileProblems>) -> Self {
        let kept: HashSet<ObjectId> = line.iter().map(|commit| commit.id).collect();
        let stored = stored.into_iter().filter(|file| kept.contains(&file.commit));
        let stored = stored.map(|file| (file.file_path.clone(), file)).collect();
        Self { line, stored }
    }

    /// The commit that gave a file its problems.
    pub(super) fn of_file(
        &self,
        repo: &Repo,
        parser: &Parser,
        path: &str,
        problems: &[FoundProblem],
    ) -> Result<ProblemOrigin, MemoryError> {
        if let Some(known) = self.known(path, problems) {
            return Ok(known);
        }
        let mut origin = None;
        repo.with_blob_reader(parser.max_bytes(), |reader| {
            repo.trace_back(&self.line, path.as_bytes(), |stretch| {
                if stretch.blob.is_none_or(|blob| !same(&parser.file(reader, blob).problems, problems)) {
                    return ControlFlow::Break(());
                }
                origin = Some((stretch.first.id, stretch.first.committed_at));
                ControlFlow::Continue(())
            })
        })?;
        origin.ok_or_else(|| format!("{path} has no such problems where the branch was left").into())
    }

    /// Paths that are not read, as problems since the commits that brought them. Each is followed back: what is stored
    /// may be of a path that went and came back since.
    ///
    /// # Errors
    /// What the clone says.
    pub fn of_odd_paths(&self, repo: &Repo, odd_paths: Vec<OddPath>) -> Result<Vec<FileProblems>, GitError> {
        let Some(head) = self.line.last() else { return Ok(Vec::new()) };
        let traced = MAX_LOOKS / self.line.len();
        let mut origins = Vec::with_capacity(odd_paths.len());
        for (number, odd) in odd_paths.into_iter().enumerate() {
            let message = odd.reason.sentence().to_owned();
            let problems = vec![FoundProblem { class: ProblemClass::Path, line: None, column: None, message }];
            let (commit, since) = if number < traced {
                let first = exists_since(repo, &self.line, &odd.raw)?;
                (first.id, first.committed_at)
            } else {
                self.known(&odd.path, &problems).unwrap_or((head.id, head.committed_at))
            };
            origins.push(FileProblems { file_path: odd.path, commit, since, problems });
        }
        Ok(origins)
    }

    fn known(&self, path: &str, problems: &[FoundProblem]) -> Option<ProblemOrigin> {
        let stored = self.stored.get(path).filter(|stored| same(&stored.problems, problems))?;
        Some((stored.commit, stored.since))
    }
}

/// The first commit of a line, at whose end a path is, from which on it was always there.
fn exists_since(repo: &Repo, line: &[ChainCommit], path: &[u8]) -> Result<ChainCommit, GitError> {
    let mut first = line[line.len() - 1];
    repo.trace_back(line, path, |stretch| {
        if !stretch.exists {
            return ControlFlow::Break(());
        }
        first = stretch.first;
        ControlFlow::Continue(())
    })?;
    Ok(first)
}

/// Whether a reader would call them the same; the class may depend on other files.
fn same(left: &[FoundProblem], right: &[FoundProblem]) -> bool {
    let told = |problem: &FoundProblem| (problem.line, problem.column, problem.message.replace('\0', "\u{fffd}"));
    left.iter().map(told).eq(right.iter().map(told))
}
