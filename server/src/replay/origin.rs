use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use entity::found::{FileProblems, FoundProblem, ObjectId};
use entity::kind::ProblemClass;
use git::{ChainCommit, GitError, OddPath, Repo};
use scan::replay::{MemoryError, ProblemOrigin};

use super::Parser;

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

    /// A path that is not read, as a problem since the commit that brought it.
    ///
    /// # Errors
    /// What the clone says.
    pub fn of_odd_path(&self, repo: &Repo, odd: OddPath) -> Result<Option<FileProblems>, GitError> {
        let Some(head) = self.line.last() else { return Ok(None) };
        let message = odd.reason.sentence().to_owned();
        let problems = vec![FoundProblem { class: ProblemClass::Path, line: None, column: None, message }];
        let (commit, since) = match self.known(&odd.path, &problems) {
            Some(known) => known,
            None => {
                let mut first = *head;
                repo.trace_back(&self.line, &odd.raw, |stretch| {
                    if !stretch.exists {
                        return ControlFlow::Break(());
                    }
                    first = stretch.first;
                    ControlFlow::Continue(())
                })?;
                (first.id, first.committed_at)
            }
        };
        Ok(Some(FileProblems { file_path: odd.path, commit, since, problems }))
    }

    fn known(&self, path: &str, problems: &[FoundProblem]) -> Option<ProblemOrigin> {
        let stored = self.stored.get(path).filter(|stored| same(&stored.problems, problems))?;
        Some((stored.commit, stored.since))
    }
}

/// Whether a reader would call them the same; the class may depend on other files.
fn same(left: &[FoundProblem], right: &[FoundProblem]) -> bool {
    let told = |problem: &FoundProblem| (problem.line, problem.column, problem.message.replace('\0', "\u{fffd}"));
    left.iter().map(told).eq(right.iter().map(told))
}
