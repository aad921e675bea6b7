//! Which builds come to which files and kustomizations, by numbers: an evaluation comes to the same places again and again.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{FastMap, FastSet, Reach};

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

/// What passages lead to.
pub(super) struct Places<'a> {
    pub kustomizations: usize,
    /// For each file the number of its list, counted from 1; 0 is none. While an evaluation goes on it asks for these files alone.
    pub list_of: &'a [u32],
    pub lists: usize,
}

/// All passages of one evaluation.
pub(super) struct Passages<'a> {
    places: &'a Places<'a>,
    names: Vec<Arc<str>>,
    name_numbers: FastMap<Arc<str>, u32>,
    passages: Vec<Passage>,
    numbers: FastMap<Passage, u32>,
    /// The passage that was asked for last: its number is mostly the next that is asked for.
    last: Option<(Passage, u32)>,
    /// By list, each passage once, in the order in which they came.
    lists: Vec<Vec<u32>>,
    listed: FastSet<(u32, u32)>,
    /// Kustomizations as they were walked.
    walked: FastSet<(u32, u32)>,
    is_walked: Vec<bool>,
    /// Whether anybody will ask for the following.
    is_kept: bool,
    /// Files and the passages to them.
    reached: Vec<(u32, u32)>,
    /// Kustomizations with the namespaces that components set: what they make themselves is reached so.
    generating: Vec<(u32, u32)>,
}

/// A number of something small enough to have one.
fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl<'a> Passages<'a> {
    /// Nothing was come to yet. `is_kept`: what is reached is asked for in the end.
    pub fn of(places: &'a Places<'a>, is_kept: bool) -> Self {
        Self {
            places,
            names: Vec::new(),
            name_numbers: FastMap::default(),
            passages: Vec::new(),
            numbers: FastMap::default(),
            last: None,
            lists: vec![Vec::new(); places.lists],
            listed: FastSet::default(),
            walked: FastSet::with_capacity_and_hasher(places.kustomizations, Default::default()),
            is_walked: vec![false; places.kustomizations],
            is_kept,
            reached: Vec::with_capacity(if is_kept { places.list_of.len() } else { 0 }),
            generating: Vec::with_capacity(if is_kept { places.kustomizations } else { 0 }),
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
        let number = number(self.names.len());
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

    fn number_of(&mut self, passage: Passage) -> u32 {
        if let Some((last, number)) = self.last
            && last == passage
        {
            return number;
        }
        let next = number(self.passages.len());
        let number = *self.numbers.entry(passage).or_insert(next);
        if number == next {
            self.passages.push(passage);
        }
        self.last = Some((passage, number));
        number
    }

    /// Comes to a file.
    pub fn reach(&mut self, file: usize, passage: Passage) {
        let list = self.places.list_of[file];
        if list == 0 && !self.is_kept {
            return;
        }
        let passage = self.number_of(passage);
        if list > 0 && self.listed.insert((list, passage)) {
            self.lists[list as usize - 1].push(passage);
        }
        if self.is_kept {
            self.reached.push((number(file), passage));
        }
    }

    /// Comes to a kustomization; `false` where it was walked so before.
    pub fn walk(&mut self, kustomization: usize, passage: Passage) -> bool {
        self.is_walked[kustomization] = true;
        let passage = self.number_of(passage);
        self.walked.insert((number(kustomization), passage))
    }

    /// Whether a kustomization was walked at all.
    pub fn is_walked(&self, kustomization: usize) -> bool {
        self.is_walked[kustomization]
    }

    /// Notes how what a kustomization makes itself is come to.
    pub fn generate(&mut self, kustomization: usize, passage: Passage) {
        if self.is_kept {
            let passage = self.number_of(passage);
            self.generating.push((number(kustomization), passage));
        }
    }

    /// Numbers of the passages to the file of a list.
    pub fn of_list(&self, list: usize) -> &[u32] {
        &self.lists[list]
    }

    /// A passage by its number.
    pub fn get(&self, number: u32) -> Passage {
        self.passages[number as usize]
    }

    /// The order of passages: that of their reaches.
    pub fn compare(&self, left: u32, right: u32) -> Ordering {
        let parts = |number: u32| {
            let passage = self.get(number);
            (passage.build, self.name_of(passage.forced), self.name_of(passage.default), passage.variables)
        };
        parts(left).cmp(&parts(right))
    }

    /// What was come to.
    pub fn into_reached(self) -> Reached {
        let reach = |passage: &Passage| Reach {
            build: passage.build(),
            forced: self.forced(*passage),
            default: self.default(*passage),
            variables: passage.variables(),
        };
        Reached {
            reaches: self.passages.iter().map(reach).collect(),
            files: self.groups(&self.reached, self.places.list_of.len()),
            kustomizations: self.groups(&self.generating, self.places.kustomizations),
        }
    }

    /// The passages to each of so many things, each once and in order.
    fn groups(&self, pairs: &[(u32, u32)], things: usize) -> Groups {
        let mut ends = vec![0_u32; things];
        for (thing, _) in pairs {
            ends[*thing as usize] += 1;
        }
        let mut end = 0;
        for one in &mut ends {
            end += *one;
            *one = end;
        }
        let mut numbers = vec![0_u32; pairs.len()];
        for (thing, passage) in pairs {
            // From the last place of each to its first.
            let place = &mut ends[*thing as usize];
            *place -= 1;
            numbers[*place as usize] = *passage;
        }
        let starts = ends;
        let mut groups = Groups { ends: Vec::with_capacity(things), numbers: Vec::with_capacity(numbers.len()) };
        for (thing, start) in starts.iter().enumerate() {
            let end = starts.get(thing + 1).map_or(numbers.len(), |end| *end as usize);
            let group = &mut numbers[*start as usize..end];
            if group.len() > 1 {
                group.sort_unstable_by(|left, right| self.compare(*left, *right));
            }
            let first = groups.numbers.len();
            for passage in group {
                if groups.numbers[first..].last() != Some(&*passage) {
                    groups.numbers.push(*passage);
                }
            }
            groups.ends.push(number(groups.numbers.len()));
        }
        groups
    }
}

/// Numbers of reaches, by the number of what they lead to.
#[derive(Debug, Default)]
pub(super) struct Groups {
    ends: Vec<u32>,
    numbers: Vec<u32>,
}

impl Groups {
    /// Those that lead to one thing.
    pub fn of(&self, thing: usize) -> &[u32] {
        let Some(end) = self.ends.get(thing) else { return &[] };
        let start = thing.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.numbers[start as usize..*end as usize]
    }
}

/// How files and kustomizations are reached.
#[derive(Debug, Default)]
pub(super) struct Reached {
    pub reaches: Vec<Reach>,
    pub files: Groups,
    pub kustomizations: Groups,
}
