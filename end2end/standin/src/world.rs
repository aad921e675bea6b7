//! What a forge holds: repositories by id and by name, and where renamed ones went.

use std::collections::HashMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

/// Everything a forge knows of one repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The forge's own number, kept through renames and transfers.
    pub id: u64,
    /// A user or organisation; on GitLab a path of groups (`team/clusters`).
    pub owner: String,
    /// Whether the owner is an organisation (or group).
    pub organization: bool,
    /// The name within its owner.
    pub name: String,
    /// One line of what it is.
    pub description: Option<String>,
    /// The web site it names.
    pub homepage: Option<String>,
    /// The language most of it is written in.
    pub language: Option<String>,
    /// An SPDX identifier out of [`LICENSES`].
    pub license: Option<String>,
    /// Lower-case words that it is found by.
    pub topics: Vec<String>,
    /// How many starred it.
    pub stars: u64,
    /// How many forks it has.
    pub forks: u64,
    /// How many watch it (GitHub's `subscribers_count`, never its alias of stars).
    pub subscribers: u64,
    /// Open issues, pull requests not among them.
    pub open_issues: u64,
    /// Open pull requests; GitHub's REST adds them to the issues, its GraphQL does not.
    pub open_pulls: u64,
    /// Size in kilobytes.
    pub size_kb: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its settings or metadata last changed.
    pub updated_at: DateTime<Utc>,
    /// When somebody last pushed.
    pub pushed_at: DateTime<Utc>,
    /// Whether it is a fork of another.
    pub fork: bool,
    /// Whether it takes no more changes.
    pub archived: bool,
    /// The branch that clones check out.
    pub default_branch: String,
    /// Whether and to whom it can be seen.
    pub state: Access,
    /// The bare repository behind it; several repositories may share one.
    pub git: PathBuf,
}

/// Whether and to whom a repository can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// By everybody.
    Public,
    /// By tokens that may see private repositories; others are told that there is none.
    Private,
    /// Taken down for legal reasons: 451.
    Blocked,
}

/// SPDX identifier, GitHub's key, name, and GitHub's node id of the licences that repositories here may have.
pub const LICENSES: &[(&str, &str, &str, &str)] = &[
    ("Apache-2.0", "apache-2.0", "Apache License 2.0", "MDc6TGljZW5zZTI="),
    ("GPL-3.0", "gpl-3.0", "GNU General Public License v3.0", "MDc6TGljZW5zZTk="),
    ("MIT", "mit", "MIT License", "MDc6TGljZW5zZTEz"),
    ("Unlicense", "unlicense", "The Unlicense", "MDc6TGljZW5zZTE1"),
    ("WTFPL", "wtfpl", "Do What The F*ck You Want To Public License", "MDc6TGljZW5zZTE4"),
];

impl Repository {
    /// `owner/name`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// A number that stands for the owner in answers, the same wherever the owner appears.
    #[must_use]
    pub fn owner_id(&self) -> u64 {
        owner_id(&self.owner)
    }

    /// The licence's row in [`LICENSES`].
    #[must_use]
    pub fn license_row(&self) -> Option<&'static (&'static str, &'static str, &'static str, &'static str)> {
        let wanted = self.license.as_deref()?;
        LICENSES.iter().find(|row| row.0 == wanted)
    }
}

/// A stable number for a name of an owner or group (FNV-1a, cut to what JavaScript holds exactly).
pub(crate) fn owner_id(name: &str) -> u64 {
    let hash = name
        .to_lowercase()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash % 900_000_000 + 1
}

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// The repository that has this name now.
    Here(u64),
    /// The repository that had it before.
    Moved(u64),
}

/// The repositories of one forge.
#[derive(Debug, Default)]
pub(crate) struct World {
    repositories: Vec<Repository>,
    by_id: HashMap<u64, usize>,
    by_name: HashMap<String, Named>,
}

impl World {
    pub(crate) fn new(repositories: Vec<Repository>) -> Self {
        let mut world = Self::default();
        for repository in repositories {
            world.add(repository);
        }
        world
    }

    /// Takes a repository in; one of the same id is replaced.
    pub(crate) fn add(&mut self, repository: Repository) {
        self.remove(repository.id);
        self.by_name.insert(repository.full_name().to_lowercase(), Named::Here(repository.id));
        self.by_id.insert(repository.id, self.repositories.len());
        self.repositories.push(repository);
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Repository> {
        let place = self.by_id.remove(&id)?;
        let gone = self.repositories.swap_remove(place);
        if let Some(moved) = self.repositories.get(place) {
            self.by_id.insert(moved.id, place);
        }
        self.by_name.retain(|_, named| !matches!(named, Named::Here(other) | Named::Moved(other) if *other == id));
        Some(gone)
    }

    /// Changes a repository; a new name leaves a redirect behind at the old one.
    pub(crate) fn change(&mut self, id: u64, change: impl FnOnce(&mut Repository)) -> bool {
        let Some(repository) = self.by_id.get(&id).and_then(|place| self.repositories.get_mut(*place)) else {
            return false;
        };
        let before = repository.full_name().to_lowercase();
        change(repository);
        repository.id = id;
        let after = repository.full_name().to_lowercase();
        if before != after {
            self.by_name.insert(before, Named::Moved(id));
            self.by_name.insert(after, Named::Here(id));
        }
        true
    }

    pub(crate) fn all(&self) -> &[Repository] {
        &self.repositories
    }

    pub(crate) fn by_id(&self, id: u64) -> Option<&Repository> {
        self.by_id.get(&id).and_then(|place| self.repositories.get(*place))
    }

    pub(crate) fn named(&self, full_name: &str) -> Option<Named> {
        self.by_name.get(&full_name.to_lowercase()).copied()
    }

    /// By its name of now or before.
    pub(crate) fn by_name(&self, full_name: &str) -> Option<&Repository> {
        match self.named(full_name)? {
            Named::Here(id) | Named::Moved(id) => self.by_id(id),
        }
    }
}
