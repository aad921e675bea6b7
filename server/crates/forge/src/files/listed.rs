//! What a forge lists below a folder, held against the limits before anything of it is read.

use entity::input::ObjectId;
use git::{BELOW_DEPTH, FilesBelow, odd_reason};
use serde::Deserialize;

use super::WantedFiles;

/// An entry of a tree, from any of the forges.
#[derive(Deserialize)]
pub(super) struct Entry {
    /// From the folder that was asked for; GitLab's from the root.
    pub path: String,
    /// In octal digits, as Git has it.
    pub mode: String,
    /// GitLab calls it `id`.
    #[serde(alias = "id")]
    pub sha: ObjectId,
    /// Of files alone, and not told by GitLab.
    #[serde(default)]
    size: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    /// A link, another repository, or nothing that is known.
    Other,
}

impl Entry {
    fn kind(&self) -> Kind {
        match u32::from_str_radix(&self.mode, 8).map(|mode| mode & 0o170_000) {
            Ok(0o040_000) => Kind::Folder,
            Ok(0o100_000) => Kind::File,
            _ => Kind::Other,
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        self.kind() == Kind::Folder
    }
}

/// A file that is wanted.
pub(super) struct Blob {
    pub path: String,
    pub is_regular: bool,
    pub id: ObjectId,
    pub size: Option<u64>,
}

/// What is listed so far.
pub(super) struct Listed<'a> {
    pub wanted: &'a WantedFiles<'a>,
    below: FilesBelow,
    blobs: Vec<Blob>,
    looked_at: usize,
}

impl<'a> Listed<'a> {
    pub(super) fn new(wanted: &'a WantedFiles<'a>) -> Self {
        let below = FilesBelow { is_there: true, ..FilesBelow::default() };
        Self { wanted, below, blobs: Vec::new(), looked_at: 0 }
    }

    /// Takes an entry in whose path below the folder this is; whether more may follow.
    pub(super) fn take(&mut self, below: &str, entry: &Entry) -> bool {
        let limits = &self.wanted.limits;
        self.looked_at += 1;
        if self.looked_at > limits.entries {
            self.below.leave_out_others(limits);
            return false;
        }
        let path = format!("{}/{below}", self.wanted.folder);
        if let Some(reason) = odd_reason(&path) {
            self.below.leave_out_path(path.as_bytes(), &reason.sentence());
            return true;
        }
        let (kind, depth) = (entry.kind(), below.matches('/').count());
        if kind == Kind::Folder && depth == BELOW_DEPTH {
            self.below.leave_out_deep(path.as_bytes());
        } else if kind != Kind::Folder && depth <= BELOW_DEPTH && (self.wanted.is_wanted)(&path) {
            let size = entry.size.and_then(|size| u64::try_from(size).ok());
            let is_regular = kind == Kind::File;
            self.blobs.push(Blob { path, is_regular, id: entry.sha, size: size.filter(|_| is_regular) });
        }
        true
    }

    /// The forge does not tell of all that is there.
    pub(super) fn leave_out_rest(&mut self) {
        let folder = self.wanted.folder;
        self.below.leave_out(format!("the forge lists only a part of {folder}: the rest is not read"));
    }

    /// What is left out so far, and the files to be read, by path.
    pub(super) fn finish(mut self) -> (FilesBelow, Vec<Blob>) {
        self.blobs.sort_by(|a, b| a.path.cmp(&b.path));
        (self.below, self.blobs)
    }
}

#[cfg(test)]
mod tests {
    use git::BelowLimits;

    use super::*;

    const WANTED: WantedFiles<'static> = WantedFiles {
        commit: ObjectId([1; 20]),
        folder: ".tekton",
        limits: BelowLimits { files: 9, file_bytes: 9, total_bytes: 9, entries: 4 },
        is_wanted: git::is_yaml_path,
    };

    fn entry(mode: &str) -> Entry {
        let text = format!(r#"{{"path": "a", "mode": "{mode}", "id": "{}", "size": 7, "type": "x"}}"#, "1".repeat(40));
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn what_is_no_file_is_known_by_its_mode() {
        for (mode, kind) in [
            ("100644", Kind::File),
            ("100755", Kind::File),
            ("040000", Kind::Folder),
            ("40000", Kind::Folder),
            ("120000", Kind::Other),
            ("160000", Kind::Other),
            ("rw-r--r--", Kind::Other),
        ] {
            assert!(entry(mode).kind() == kind, "{mode}");
        }
    }

    #[test]
    fn what_is_listed_is_bounded_in_number_and_depth_and_stays_below_the_folder() {
        let mut listed = Listed::new(&WANTED);
        let deep = "d/".repeat(BELOW_DEPTH);
        assert!(listed.take("../../etc/a.yaml", &entry("100644")));
        assert!(listed.take(&format!("{deep}a.yaml"), &entry("100644")));
        assert!(listed.take(&format!("{deep}d"), &entry("040000")));
        assert!(listed.take(&format!("{deep}d/a.yaml"), &entry("100644")));
        assert!(!listed.take("b.yaml", &entry("100644")), "that is one too many");
        let (below, blobs) = listed.finish();
        assert_eq!(blobs.iter().map(|blob| blob.path.clone()).collect::<Vec<_>>(), [format!(".tekton/{deep}a.yaml")]);
        assert!(blobs[0].is_regular && blobs[0].size == Some(7));
        let said = ["`..`", "deeper than 16 folders", "more than 4 files and folders"];
        assert_eq!(below.left_out.len(), said.len(), "{:?}", below.left_out);
        for (told, said) in below.left_out.iter().zip(said) {
            assert!(told.contains(said), "{told}");
        }
    }
}
