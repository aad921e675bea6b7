//! Many repositories' metadata out of a seed: the same seed gives the same repositories, on every machine.

use std::path::PathBuf;

use chrono::{DateTime, Duration, DurationRound, Utc};

use crate::world::{Access, LICENSES, Repository};

const OWNERS: &[&str] = &[
    "alder", "ash", "aspen", "beech", "birch", "cedar", "cherry", "elm", "fir", "hazel", "holly", "juniper", "larch",
    "linden", "maple", "oak", "olive", "pear", "pine", "plum", "poplar", "rowan", "spruce", "walnut", "willow", "yew",
];
const ENDINGS: &[&str] = &["", "-dev", "-ops", "lab", "-io", "42", "-home", "-cloud", "hq", "-sre"];
const NAMES: &[&str] =
    &["home-ops", "home-cluster", "k8s-gitops", "infrastructure", "flux-cluster", "homelab", "cluster", "argo-apps"];
const TOPICS: &[&str] = &[
    "kubernetes",
    "gitops",
    "flux",
    "fluxcd",
    "homelab",
    "talos",
    "argocd",
    "renovate",
    "k3s",
    "ansible",
    "terraform",
    "helm",
    "sops",
    "home-automation",
];
const LANGUAGES: &[&str] = &["YAML", "Shell", "Jinja", "HCL", "Python", "Makefile", "Go Template"];

/// What to generate.
#[derive(Debug, Clone)]
pub struct Generator {
    /// How many repositories.
    pub count: usize,
    /// Other seeds give other repositories.
    pub seed: u64,
    /// The topic that every repository has, if any; about a third has `k8s-at-home` as well.
    pub topic: Option<String>,
    /// No push is later than this.
    pub now: DateTime<Utc>,
    /// Bare repositories behind them, taken in turn.
    pub git: Vec<PathBuf>,
    /// Whether every fifth belongs to nested groups, as on GitLab.
    pub nested: bool,
}

impl Generator {
    /// `count` repositories found by the topic `kubesearch`, over the given bare repositories.
    #[must_use]
    pub fn new(count: usize, git: Vec<PathBuf>) -> Self {
        Self { count, seed: 1, topic: Some("kubesearch".to_owned()), now: Utc::now(), git, nested: false }
    }

    /// The repositories, in the order of their ids.
    #[must_use]
    pub fn repositories(&self) -> Vec<Repository> {
        let mut random = Random(self.seed);
        let now = self.now.duration_trunc(Duration::seconds(1)).unwrap_or(self.now);
        (0..self.count).map(|place| self.repository(place, now, &mut random)).collect()
    }

    fn repository(&self, place: usize, now: DateTime<Utc>, random: &mut Random) -> Repository {
        let tree = *random.pick(OWNERS);
        let ending = *random.pick(ENDINGS);
        let round = place / (OWNERS.len() * ENDINGS.len() * 2);
        let login = format!("{tree}{ending}{}", if round == 0 { String::new() } else { round.to_string() });
        let owner = if self.nested && place.is_multiple_of(5) { format!("{login}/platform/clusters") } else { login };
        // The place keeps names apart without a list of those given.
        let name = format!("{}-{place}", random.pick(NAMES));
        let age = Duration::seconds(random.up_to(8 * 365 * 86_400) as i64 + 86_400);
        let created_at = now - age;
        // Most are alive: half of all pushes within 30 days, the rest anywhere in the repository's life.
        let since = if random.one_in(2) {
            random.up_to(30 * 86_400) as i64
        } else {
            random.up_to(age.num_seconds() as u64) as i64
        };
        let pushed_at = (now - Duration::seconds(since)).max(created_at);
        let stars = random.skewed(4_000);
        Repository {
            id: 10_000_000 + place as u64 * 37 + random.up_to(37),
            organization: random.one_in(6),
            owner,
            description: (!random.one_in(7)).then(|| format!("The clusters of {tree}, by GitOps ({place})")),
            homepage: random.one_in(9).then(|| format!("https://docs.example.org/{place}")),
            language: (!random.one_in(12)).then(|| (*random.pick(LANGUAGES)).to_owned()),
            license: random.one_in(2).then(|| random.pick(LICENSES).0.to_owned()),
            topics: self.topics(random),
            stars,
            forks: stars / 9 + random.skewed(20),
            subscribers: 1 + stars / 20,
            open_issues: random.skewed(30),
            open_pulls: random.skewed(25),
            size_kb: 40 + random.skewed(150_000),
            created_at,
            updated_at: (pushed_at + Duration::seconds(random.up_to(86_400) as i64)).min(now),
            pushed_at,
            fork: random.one_in(12),
            archived: random.one_in(14),
            default_branch: "main".to_owned(),
            state: Access::Public,
            git: self.git.get(place.checked_rem(self.git.len()).unwrap_or_default()).cloned().unwrap_or_default(),
            name,
        }
    }

    fn topics(&self, random: &mut Random) -> Vec<String> {
        let mut topics: Vec<String> = self.topic.iter().cloned().collect();
        if random.one_in(3) {
            topics.push("k8s-at-home".to_owned());
        }
        for _ in 0..random.up_to(5) {
            let topic = *random.pick(TOPICS);
            if !topics.iter().any(|known| known == topic) {
                topics.push(topic.to_owned());
            }
        }
        topics
    }
}

/// SplitMix64: small, quick, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn up_to(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn one_in(&mut self, chance: u64) -> bool {
        self.up_to(chance) == 0
    }

    /// Small numbers often, large ones seldom, as stars are.
    fn skewed(&mut self, bound: u64) -> u64 {
        let cap = 1 + self.up_to(bound);
        let cap = 1 + self.up_to(cap);
        self.up_to(cap)
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let place = self.up_to(of.len() as u64) as usize;
        &of[place]
    }
}
