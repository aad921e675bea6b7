//! Where files, folders and kustomizations are, by numbers that stay: a tree that lives on from commit to commit finds out once what
//! its kustomizations name, and not again in each evaluation.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::FastMap;
use super::kustomization::{KustomizeFile, folder, join};

/// The number of a path.
pub(crate) type PathId = u32;

/// Paths that may be known beside those that were in use last; then those that nothing names any more are forgotten. Tests want to
/// see that happen.
const SPARE: usize = if cfg!(test) { 8 } else { 4_096 };

/// Bytes that all that kustomizations name may take: real trees have a few megabytes. One short file that stands in many folders
/// names others in each of them.
const MAX_NAMED: usize = 32 << 20;
/// What a name takes beside its text.
const NAME: usize = 64;

/// A file that is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LaidFile {
    pub id: PathId,
    /// How many documents it has.
    pub documents: usize,
}

/// A folder's kustomization. What its entries name has numbers, whether it is there or not.
#[derive(Debug)]
pub(crate) struct Kustomization {
    /// Of the folder.
    pub id: PathId,
    pub folder: Arc<str>,
    pub file: PathId,
    pub namespace: Option<Arc<str>>,
    pub components: Box<[PathId]>,
    pub resources: Box<[PathId]>,
    pub generators: Box<[PathId]>,
    /// Bytes of what it names.
    named: usize,
    /// It names more than there was room for, and none of it is known.
    is_left_out: bool,
}

/// The files, folders and kustomizations of a tree.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    ids: FastMap<Arc<str>, PathId>,
    paths: Vec<Arc<str>>,
    /// YAML files and kustomizations, in the order of their paths.
    files: Vec<LaidFile>,
    /// In the order of their folders.
    kustomizations: Vec<Kustomization>,
    /// What was told since these were put in order; nothing where one went. Many may go at once, each from the midst.
    told_files: BTreeMap<Arc<str>, Option<LaidFile>>,
    told_kustomizations: BTreeMap<Arc<str>, Option<Kustomization>>,
    /// Bytes of what kustomizations name, and how many of those there was no room for.
    named: usize,
    left_out: usize,
    /// Folders, and how many entries each has.
    folders: FastMap<Box<str>, usize>,
    /// How many paths were in use when unused ones were forgotten last.
    used: usize,
    /// How often that was.
    generation: u64,
}

impl Layout {
    /// Notes that a file is read, or is not any more.
    pub fn set_file(&mut self, path: &Arc<str>, documents: Option<usize>) {
        let file = documents.map(|documents| LaidFile { id: self.id_of(path), documents });
        self.told_files.insert(Arc::clone(path), file);
    }

    /// Puts a folder's kustomization in the place of the one that counted before: its file, and what that says.
    pub fn set_kustomization(&mut self, at: &str, file: Option<(&Arc<str>, &KustomizeFile)>) {
        let known = || {
            let place = self.kustomizations.binary_search_by(|one| (*one.folder).cmp(at)).ok()?;
            self.kustomizations.get(place)
        };
        let before = self.told_kustomizations.get(at).map_or_else(known, Option::as_ref);
        let before = before.map_or((0, 0), |one| (one.named, usize::from(one.is_left_out)));
        self.named -= before.0;
        self.left_out -= before.1;
        let folder: Arc<str> = at.into();
        let read = file.map(|(path, file)| {
            let entries = [&file.components, &file.resources, &file.generators];
            let sizes = entries.iter().flat_map(|entries| entries.iter()).map(|entry| at.len() + entry.len() + NAME);
            let named: usize = sizes.sum();
            let is_left_out = self.named + named > MAX_NAMED;
            let mut ids = |entries: &[String]| if is_left_out { Box::default() } else { self.ids_of(at, entries) };
            let (components, resources) = (ids(&file.components), ids(&file.resources));
            Kustomization {
                components,
                resources,
                generators: ids(&file.generators),
                namespace: file.namespace.as_deref().filter(|name| !name.is_empty()).map(Into::into),
                id: self.id_of(&folder),
                file: self.id_of(path),
                folder: Arc::clone(&folder),
                named: if is_left_out { 0 } else { named },
                is_left_out,
            }
        });
        if let Some(read) = &read {
            self.named += read.named;
            self.left_out += usize::from(read.is_left_out);
        }
        self.told_kustomizations.insert(folder, read);
    }

    /// Puts what was told into its order; to be done before anybody looks at files and kustomizations.
    pub fn settle(&mut self) {
        let told = std::mem::take(&mut self.told_files);
        if !told.is_empty() {
            let files = std::mem::take(&mut self.files);
            self.files = merged(files, told, |file, path| (**self.path(file.id)).cmp(path));
        }
        let told = std::mem::take(&mut self.told_kustomizations);
        if !told.is_empty() {
            let kustomizations = std::mem::take(&mut self.kustomizations);
            self.kustomizations = merged(kustomizations, told, |one, folder| (*one.folder).cmp(folder));
        }
        self.forget_unused();
    }

    /// Whether kustomizations name more than there is room for.
    pub fn is_too_much(&self) -> bool {
        self.left_out > 0
    }

    /// What entries of a folder name.
    fn ids_of(&mut self, folder: &str, entries: &[String]) -> Box<[PathId]> {
        let id = |entry: &String| {
            let path: Arc<str> = join(folder, entry)?.into();
            Some(self.id_of(&path))
        };
        entries.iter().filter_map(id).collect()
    }

    /// Counts a file of any kind in its folder. Gives back the folders that came with it.
    pub fn count(&mut self, path: &str) -> Vec<Box<str>> {
        let mut came = Vec::new();
        let mut at = folder(path);
        loop {
            if let Some(entries) = self.folders.get_mut(at) {
                *entries += 1;
                break;
            }
            self.folders.insert(at.into(), 1);
            came.push(at.into());
            if at.is_empty() {
                break;
            }
            at = folder(at);
        }
        came
    }

    /// Counts it no more. Gives back the folders that went with it.
    pub fn uncount(&mut self, path: &str) -> Vec<Box<str>> {
        let mut went: Vec<Box<str>> = Vec::new();
        let mut at = folder(path);
        while let Some(entries) = self.folders.get_mut(at) {
            *entries -= 1;
            if *entries > 0 {
                break;
            }
            self.folders.remove(at);
            went.push(at.into());
            if at.is_empty() {
                break;
            }
            at = folder(at);
        }
        went
    }

    fn id_of(&mut self, path: &Arc<str>) -> PathId {
        if let Some(id) = self.ids.get(path) {
            return *id;
        }
        let id = PathId::try_from(self.paths.len()).unwrap_or(PathId::MAX);
        self.paths.push(Arc::clone(path));
        self.ids.insert(Arc::clone(path), id);
        id
    }

    /// Numbers anew what is still named, so that a long history does not fill the memory.
    fn forget_unused(&mut self) {
        if self.paths.len() <= 2 * self.used + SPARE {
            return;
        }
        let old = std::mem::take(&mut self.paths);
        self.ids.clear();
        let (mut files, mut kustomizations) =
            (std::mem::take(&mut self.files), std::mem::take(&mut self.kustomizations));
        let mut again = |id: &mut PathId| *id = self.id_of(&old[*id as usize]);
        files.iter_mut().for_each(|file| again(&mut file.id));
        for one in &mut kustomizations {
            again(&mut one.id);
            again(&mut one.file);
            let named = one.components.iter_mut().chain(one.resources.iter_mut()).chain(one.generators.iter_mut());
            named.for_each(&mut again);
        }
        (self.files, self.kustomizations) = (files, kustomizations);
        self.used = self.paths.len();
        self.generation += 1;
    }

    /// Numbers of paths stay as long as this does.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Numbers of paths are smaller than this.
    pub fn id_count(&self) -> usize {
        self.paths.len()
    }

    /// The number of a path, where it has one.
    pub fn id(&self, path: &str) -> Option<PathId> {
        self.ids.get(path).copied()
    }

    /// A path by its number.
    pub fn path(&self, id: PathId) -> &Arc<str> {
        &self.paths[id as usize]
    }

    /// Files that are read, in order.
    pub fn files(&self) -> &[LaidFile] {
        &self.files
    }

    /// Kustomizations, in the order of their folders.
    pub fn kustomizations(&self) -> &[Kustomization] {
        &self.kustomizations
    }

    /// Folders, in no order.
    pub fn folders(&self) -> impl ExactSizeIterator<Item = &str> {
        self.folders.keys().map(|folder| &**folder)
    }

    /// Whether a file lies in or below a folder of this path.
    pub fn has_folder(&self, folder: &str) -> bool {
        self.folders.contains_key(folder)
    }
}

/// Things in their order with what was told of some of them: how each is now, nothing where it went.
fn merged<T>(old: Vec<T>, told: BTreeMap<Arc<str>, Option<T>>, order: impl Fn(&T, &str) -> Ordering) -> Vec<T> {
    let mut merged = Vec::with_capacity(old.len() + told.len());
    let mut old = old.into_iter().peekable();
    for (at, now) in told {
        while let Some(before) = old.next_if(|one| order(one, &at) == Ordering::Less) {
            merged.push(before);
        }
        drop(old.next_if(|one| order(one, &at) == Ordering::Equal));
        merged.extend(now);
    }
    merged.extend(old);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_in_many_folders_names_no_more_than_there_is_room_for() {
        let names = |length: usize| (0..1_000).map(|number| format!("{number:0length$}.yaml")).collect::<Vec<_>>();
        let long = KustomizeFile { resources: names(2_000), ..KustomizeFile::default() };
        let (mut layout, path): (Layout, Arc<str>) = (Layout::default(), "kustomization.yaml".into());
        let folders: Vec<String> = (0..20).map(|number| format!("f{number}")).collect();
        for folder in &folders {
            layout.set_kustomization(folder, Some((&path, &long)));
        }
        layout.settle();
        assert!(layout.is_too_much());
        assert!(layout.id_count() < 17_000, "{} paths are known", layout.id_count());
        // Once there is room, those that change are known again.
        for folder in &folders[..10] {
            layout.set_kustomization(folder, None);
        }
        layout.settle();
        assert!(layout.is_too_much());
        for folder in &folders[10..] {
            layout.set_kustomization(folder, Some((&path, &long)));
        }
        assert!(!layout.is_too_much());
        layout.settle();
        assert!(layout.kustomizations().iter().all(|one| one.resources.len() == 1_000));
        assert_eq!(layout.kustomizations().len(), 10);
    }

    #[test]
    fn what_comes_and_goes_stands_in_order() {
        let mut layout = Layout::default();
        let told = |layout: &mut Layout, told: &[(&str, Option<usize>)]| {
            for (path, documents) in told {
                layout.set_file(&Arc::from(*path), *documents);
            }
            layout.settle();
            let files = layout.files().iter().map(|file| (layout.path(file.id).to_string(), file.documents));
            files.collect::<Vec<_>>()
        };
        let file = |path: &str, documents| (path.to_owned(), documents);
        let all = told(&mut layout, &[("c", Some(1)), ("a", Some(2)), ("b", Some(3)), ("a", Some(4)), ("d", None)]);
        assert_eq!(all, [file("a", 4), file("b", 3), file("c", 1)]);
        assert_eq!(told(&mut layout, &[]), all);
        let all = told(&mut layout, &[("a", None), ("b", Some(9)), ("bb", Some(1)), ("c", None), ("c", Some(5))]);
        assert_eq!(all, [file("b", 9), file("bb", 1), file("c", 5)]);
        assert_eq!(told(&mut layout, &[("b", None), ("bb", None), ("c", None)]), []);
    }
}
