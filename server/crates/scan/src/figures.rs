//! What a tree of files holds, in numbers: the counting rules, per file and summed up.

use std::collections::{BTreeMap, HashSet};

use entity::input::ResourceKey;
use serde::Serialize;

use crate::file::ParsedFile;

/// How many documents of a kind there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindCount {
    /// Empty for the core group.
    pub group: String,
    pub kind: String,
    pub count: u64,
}

/// A file that gave no documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnparsableFile {
    pub path: String,
    pub line: Option<u32>,
    pub problem: String,
    pub class: entity::kind::ProblemClass,
}

/// A commit's tree in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TreeFigures {
    pub yaml_files: u64,
    pub yaml_bytes: u64,
    pub yaml_documents: u64,
    pub yaml_documents_including_empty: u64,
    pub typed_documents: u64,
    pub kubernetes_documents: u64,
    pub kubernetes_documents_list_expanded: u64,
    pub list_documents: u64,
    pub list_items: u64,
    /// Different (group, kind, namespace, name) among the Kubernetes documents.
    pub distinct_resources: u64,
    pub distinct_kinds: u64,
    pub helmreleases: u64,
    pub flux_kustomizations: u64,
    pub flux_gitrepositories: u64,
    pub flux_ocirepositories: u64,
    pub flux_helmrepositories: u64,
    pub argocd_applications: u64,
    pub argocd_applicationsets: u64,
    /// Kubernetes documents by kind, the most frequent first.
    pub by_kind: Vec<KindCount>,
    pub unparsable_files_count: u64,
    pub unparsable_by_class: BTreeMap<String, u64>,
    pub unparsable_files: Vec<UnparsableFile>,
    pub redefined_anchor_files: u64,
    pub duplicate_key_documents: u64,
    pub sops_documents: u64,
    pub sops_files: u64,
}

/// Sums files up to [`TreeFigures`].
#[derive(Clone, Debug, Default)]
pub struct Tally {
    sums: TreeFigures,
    /// By group, then by kind.
    kinds: BTreeMap<String, BTreeMap<String, u64>>,
    resources: HashSet<ResourceKey>,
}

impl Tally {
    /// Adds a file of the tree.
    pub fn add(&mut self, path: &str, file: &ParsedFile) {
        let figures = &file.figures;
        let sums = &mut self.sums;
        sums.yaml_files += 1;
        sums.yaml_bytes += figures.bytes;
        sums.yaml_documents += u64::from(figures.documents);
        sums.yaml_documents_including_empty += u64::from(figures.documents_including_empty);
        sums.typed_documents += u64::from(figures.typed_documents);
        sums.kubernetes_documents += u64::from(figures.kubernetes_documents);
        sums.kubernetes_documents_list_expanded += u64::from(figures.list_expanded);
        sums.list_documents += u64::from(figures.list_documents);
        sums.list_items += u64::from(figures.list_items);
        sums.redefined_anchor_files += u64::from(figures.redefined_anchors);
        sums.duplicate_key_documents += u64::from(figures.duplicate_key_documents);
        sums.sops_documents += u64::from(figures.sops_documents);
        sums.sops_files += u64::from(figures.sops_documents > 0);
        if let Some(problem) = &figures.unparsable {
            sums.unparsable_files_count += 1;
            *sums.unparsable_by_class.entry(problem.class.to_string()).or_default() += 1;
            sums.unparsable_files.push(UnparsableFile {
                path: path.to_owned(),
                line: problem.line,
                problem: problem.message.clone(),
                class: problem.class,
            });
        }
        let documents = file.manifests.iter().filter(|manifest| manifest.index.item.is_none());
        for key in documents.map(|manifest| &manifest.key).chain(figures.other_documents.iter().map(|(key, _)| key)) {
            // Nearly every document is of a kind that was met before: no text is copied for it.
            match self.kinds.get_mut(&key.group).and_then(|kinds| kinds.get_mut(&key.kind)) {
                Some(count) => *count += 1,
                None => *self.kinds.entry(key.group.clone()).or_default().entry(key.kind.clone()).or_default() += 1,
            }
            if !self.resources.contains(key) {
                self.resources.insert(key.clone());
            }
        }
    }

    /// The sums.
    #[must_use]
    pub fn finish(self) -> TreeFigures {
        const FLUX_SOURCE: &str = "source.toolkit.fluxcd.io";
        const ARGO: &str = "argoproj.io";
        let count = |group: &str, kind: &str| {
            self.kinds.get(group).and_then(|kinds| kinds.get(kind)).copied().unwrap_or_default()
        };
        let mut figures = TreeFigures {
            distinct_resources: self.resources.len() as u64,
            distinct_kinds: self.kinds.values().map(|kinds| kinds.len() as u64).sum(),
            helmreleases: count("helm.toolkit.fluxcd.io", "HelmRelease"),
            flux_kustomizations: count("kustomize.toolkit.fluxcd.io", "Kustomization"),
            flux_gitrepositories: count(FLUX_SOURCE, "GitRepository"),
            flux_ocirepositories: count(FLUX_SOURCE, "OCIRepository"),
            flux_helmrepositories: count(FLUX_SOURCE, "HelmRepository"),
            argocd_applications: count(ARGO, "Application"),
            argocd_applicationsets: count(ARGO, "ApplicationSet"),
            ..self.sums
        };
        let of_group = |(group, kinds): (String, BTreeMap<String, u64>)| {
            kinds.into_iter().map(move |(kind, count)| KindCount { group: group.clone(), kind, count })
        };
        figures.by_kind = self.kinds.into_iter().flat_map(of_group).collect();
        // Stable: equal counts stay in the order of group and kind.
        figures.by_kind.sort_by_key(|kind| std::cmp::Reverse(kind.count));
        figures.unparsable_files.sort_by(|left, right| left.path.cmp(&right.path));
        figures
    }
}
