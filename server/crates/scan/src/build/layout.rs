//! Where files, folders and kustomizations are, by numbers that stay: a tree that lives on from commit to commit finds out once what
//! its kustomizations name, and not again in each evaluation.

use std::sync::Arc;

use super::FastMap;
use super::kustomization::{KustomizeFile, folder, join};

/// The number of a path.
pub(crate) type PathId = u32;

/// Paths that may be known beside those that were in use last; then those that nothing names any more are forgotten. Tests want to
/// see that happen.
const SPARE: usize = if cfg!(test) { 8 } else { 4_096 };

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
        let place = self.files.binary_search_by(|file| (**self.path(file.id)).cmp(path));
        match (place, documents) {
            (Ok(at), Some(documents)) => self.files[at].documents = documents,
            (Ok(at), None) => {
                self.files.remove(at);
            }
            (Err(at), Some(documents)) => {
                let id = self.id_of(path);
                self.files.insert(at, LaidFile { id, documents });
                self.forget_unused();
            }
            (Err(_), None) => {}
        }
    }

    /// Puts a folder's kustomization in the place of the one that counted before: its file, and what that says.
    pub fn set_kustomization(&mut self, at: &str, file: Option<(&Arc<str>, &KustomizeFile)>) {
        let place = self.kustomizations.binary_search_by(|one| (*one.folder).cmp(at));
        let read = file.map(|(path, file)| {
            let folder: Arc<str> = at.into();
            Kustomization {
                id: self.id_of(&folder),
                file: self.id_of(path),
                namespace: file.namespace.as_deref().filter(|name| !name.is_empty()).map(Into::into),
                components: self.named(at, &file.components),
                resources: self.named(at, &file.resources),
                generators: self.named(at, &file.generators),
                folder,
            }
        });
        match (place, read) {
            (Ok(at), Some(read)) => self.kustomizations[at] = read,
            (Ok(at), None) => drop(self.kustomizations.remove(at)),
            (Err(at), Some(read)) => self.kustomizations.insert(at, read),
            (Err(_), None) => {}
        }
        self.forget_unused();
    }

    /// What entries of a folder name.
    fn named(&mut self, folder: &str, entries: &[String]) -> Box<[PathId]> {
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
