//! Which builds come to which files and kustomizations, by numbers: an evaluation comes to the same places again and again.

use std::cmp::Ordering;
use std::sync::Arc;

use super::tree::Tree;
use super::{FastMap, FastSet, Reach, Reaches};

/// How a build comes to something: a [`Reach`] whose texts are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Passage {
    build: u32,
    /// Of names, counted from 1; 0 is none.
    forced: u32,
    default: u32,
    /// Counted from 1; 0 is none.
    variables: u32,
}

impl Passage {
    /// Number of the build.
    pub fn build(self) -> usize {
        self.build as usize
    }

    /// Number of the variables.
    pub fn variables(self) -> Option<usize> {
        (self.variables as usize).checked_sub(1)
    }

    /// Whether no namespace is forced yet.
    pub fn is_free(self) -> bool {
        self.forced == 0
    }
}

/// All passages of one evaluation.
pub(super) struct Passages {
    names: Vec<Arc<str>>,
    name_numbers: FastMap<Arc<str>, u32>,
    passages: Vec<Passage>,
    numbers: FastMap<Passage, usize>,
    /// By file, each once, in the order in which they came.
    files: Vec<Vec<usize>>,
    reached: FastSet<(usize, usize)>,
    /// Kustomizations as they were walked.
    walked: FastSet<(usize, Passage)>,
    is_walked: Vec<bool>,
    /// The same, with the namespaces that components set: what a kustomization makes itself is reached so.
    generating: FastSet<(usize, Passage)>,
}

impl Passages {
    /// Nothing was come to yet.
    pub fn of(tree: &Tree<'_>) -> Self {
        Self {
            names: Vec::new(),
            name_numbers: FastMap::default(),
            passages: Vec::new(),
            numbers: FastMap::default(),
            files: vec![Vec::new(); tree.paths().len()],
            reached: FastSet::default(),
            walked: FastSet::default(),
            is_walked: vec![false; tree.kustomizations().len()],
            generating: FastSet::default(),
        }
    }

    /// One from its parts.
    pub fn passage(
        &mut self,
        build: usize,
        forced: Option<&Arc<str>>,
        default: Option<&Arc<str>>,
        variables: Option<usize>,
    ) -> Passage {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (forced, default) = (self.name(forced), self.name(default));
        Passage { build: number(build), forced, default, variables: variables.map_or(0, |table| number(table + 1)) }
    }

    /// The same with a forced namespace where none is forced yet.
    pub fn or_forced(&mut self, passage: Passage, namespace: Option<&Arc<str>>) -> Passage {
        match passage.is_free() {
            true => Passage { forced: self.name(namespace), ..passage },
            false => passage,
        }
    }

    fn name(&mut self, name: Option<&Arc<str>>) -> u32 {
        let Some(name) = name else { return 0 };
        if let Some(number) = self.name_numbers.get(name) {
            return *number;
        }
        self.names.push(Arc::clone(name));
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.name_numbers.insert(Arc::clone(name), number);
        number
    }

    fn name_of(&self, number: u32) -> Option<&Arc<str>> {
        self.names.get((number as usize).checked_sub(1)?)
    }

    /// The namespace that goes over what documents write.
    pub fn forced(&self, passage: Passage) -> Option<Arc<str>> {
        self.name_of(passage.forced).cloned()
    }

    /// The namespace of documents that write none.
    pub fn default(&self, passage: Passage) -> Option<Arc<str>> {
        self.name_of(passage.default).cloned()
    }

    /// Comes to a file.
    pub fn reach(&mut self, file: usize, passage: Passage) {
        let next = self.passages.len();
        let number = *self.numbers.entry(passage).or_insert(next);
        if number == next {
            self.passages.push(passage);
        }
        if self.reached.insert((file, number)) {
            self.files[file].push(number);
        }
    }

    /// Comes to a kustomization; `false` where it was walked so before.
    pub fn walk(&mut self, kustomization: usize, passage: Passage) -> bool {
        self.is_walked[kustomization] = true;
        self.walked.insert((kustomization, passage))
    }

    /// Whether a kustomization was walked at all.
    pub fn is_walked(&self, kustomization: usize) -> bool {
        self.is_walked[kustomization]
    }

    /// Notes how what a kustomization makes itself is come to.
    pub fn generate(&mut self, kustomization: usize, passage: Passage) {
        self.generating.insert((kustomization, passage));
    }

    /// Numbers of the passages to a file.
    pub fn of_file(&self, file: usize) -> &[usize] {
        &self.files[file]
    }

    /// A passage by its number.
    pub fn get(&self, number: usize) -> Passage {
        self.passages[number]
    }

    /// The order of passages to files: that of their reaches.
    pub fn compare(&self, left: usize, right: usize) -> Ordering {
        self.order(self.passages[left], self.passages[right])
    }

    fn order(&self, left: Passage, right: Passage) -> Ordering {
        let parts = |passage: Passage| {
            (passage.build, self.name_of(passage.forced), self.name_of(passage.default), passage.variables)
        };
        parts(left).cmp(&parts(right))
    }

    fn reach_of(&self, passage: Passage) -> Reach {
        let (forced, default) = (self.forced(passage), self.default(passage));
        Reach { build: passage.build(), forced, default, variables: passage.variables() }
    }

    /// How files and kustomizations are reached.
    pub fn into_reaches(mut self, tree: &Tree<'_>) -> (Reaches, Reaches) {
        let mut files = std::mem::take(&mut self.files);
        let mut reached = Reaches::with_capacity_and_hasher(files.len(), Default::default());
        for (path, passages) in tree.paths().iter().zip(&mut files) {
            if !passages.is_empty() {
                passages.sort_by(|left, right| self.compare(*left, *right));
                let reaches = passages.iter().map(|number| self.reach_of(self.get(*number)));
                reached.insert((*path).into(), reaches.collect());
            }
        }
        let mut generating: Vec<(usize, Passage)> = self.generating.iter().copied().collect();
        generating.sort_by(|(left, a), (right, b)| left.cmp(right).then_with(|| self.order(*a, *b)));
        let mut walked = Reaches::default();
        for (number, passage) in generating {
            let folder = tree.kustomizations()[number].folder;
            walked.entry(folder.into()).or_default().push(self.reach_of(passage));
        }
        (reached, walked)
    }
}
