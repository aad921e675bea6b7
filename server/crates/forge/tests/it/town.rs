//! Three forges over one repository of Git's, whose commits a clone's reader tells of as well.

use standin::{Generator, Options, Repository, Standin, bare};

/// Files of a commit; nothing where one is taken away.
type Commit<'a> = &'a [(&'a str, Option<&'a str>)];

pub(crate) struct Town {
    pub standin: Standin,
    /// What is behind the repositories, as long as this lives.
    _folder: tempfile::TempDir,
}

/// Three repositories at each forge with these commits.
pub(crate) async fn town(commits: &[Commit<'_>], change: impl FnOnce(&mut Options)) -> Town {
    let folder = tempfile::tempdir().unwrap();
    let git = folder.path().join("shared.git");
    bare::create(&git, commits).unwrap();
    let repositories = Generator::new(3, vec![git]).repositories();
    let mut options = Options { limits: standin::Limits::generous(), ..Options::with(repositories) };
    change(&mut options);
    Town { standin: Standin::start(options).await.unwrap(), _folder: folder }
}

impl Town {
    pub(crate) fn forges(&self) -> [&standin::Forge; 3] {
        [self.standin.github(), self.standin.gitlab(), self.standin.forgejo()]
    }
}

pub(crate) fn first(forge: &standin::Forge) -> Repository {
    forge.repositories().remove(0)
}
