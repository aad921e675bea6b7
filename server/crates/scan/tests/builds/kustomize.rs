//! Trees of our own, built by kustomize itself: names and namespaces must be those that we expect of a build.
//!
//! Needs `kubectl`; where there is none, the tests say so.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use entity::input::ObjectId;
use scan::build::{BuildKind, is_literal};
use scan::file::read_file;
use yaml::Limits;

use crate::Files;

/// Kind, name and namespace.
type Built = BTreeSet<(String, String, String)>;

fn has_kubectl() -> bool {
    let found =
        Command::new("kubectl").args(["version", "--client"]).output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("SKIPPED: there is no kubectl whose `kustomize` could be asked");
    }
    found
}

/// What `kubectl kustomize` makes of a folder; `None` where it refuses.
fn kustomize(folder: &Path) -> Result<Option<Built>> {
    let output = Command::new("kubectl").arg("kustomize").arg(folder).output()?;
    if !output.status.success() {
        return Ok(None);
    }
    let file = read_file(ObjectId([0; 20]), &output.stdout, &Limits::default());
    ensure!(file.problems.is_empty(), "kustomize wrote what is no YAML");
    let built = file.manifests.iter().map(|manifest| &manifest.key);
    Ok(Some(built.map(|key| (key.kind.clone(), key.name.clone(), key.namespace.clone())).collect()))
}

/// What we expect of the same folder.
fn expected(files: &Files, folder: &str) -> Built {
    let builds = files.builds();
    let of_folder = |build: usize| {
        let build = &builds.builds()[build];
        build.kind == BuildKind::Kustomize && *build.folder == *folder
    };
    let mut built = Built::new();
    for (path, file, at) in files.manifests() {
        let manifest = &file.manifests[at];
        let key = &manifest.key;
        for reach in builds.reaches(path).iter().filter(|reach| of_folder(reach.build)) {
            let written = (!key.namespace.is_empty()).then_some(key.namespace.as_str());
            let namespace = match builds.is_cluster_wide(&key.group, &key.kind) {
                true => None,
                false => builds.namespace_in(reach, written, is_literal(manifest.root())),
            };
            built.insert((key.kind.clone(), key.name.clone(), namespace.unwrap_or_default()));
        }
    }
    built
}

fn write(root: &Path, path: &str, text: &str) -> Result<()> {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().context("a folder")?)?;
    Ok(std::fs::write(path, text)?)
}

fn document(api_version: &str, kind: &str, name: &str) -> String {
    format!("apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n")
}

#[test]
fn kinds_that_kustomize_knows_are_cluster_wide_for_both_or_for_none() -> Result<()> {
    if !has_kubectl() {
        return Ok(());
    }
    let kinds = [
        ("v1", "PersistentVolume"),
        ("v1", "Node"),
        ("v1", "PersistentVolumeClaim"),
        ("v1", "ServiceAccount"),
        ("v1", "ResourceQuota"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("apps/v1", "DaemonSet"),
        ("autoscaling/v2beta1", "HorizontalPodAutoscaler"),
        ("batch/v1", "CronJob"),
        ("certificates.k8s.io/v1", "CertificateSigningRequest"),
        ("coordination.k8s.io/v1", "Lease"),
        ("flowcontrol.apiserver.k8s.io/v1beta1", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io/v1beta1", "PriorityLevelConfiguration"),
        ("networking.k8s.io/v1", "Ingress"),
        ("networking.k8s.io/v1", "IngressClass"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("node.k8s.io/v1", "RuntimeClass"),
        ("policy/v1", "PodDisruptionBudget"),
        ("policy/v1beta1", "PodSecurityPolicy"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        ("storage.k8s.io/v1", "CSIDriver"),
        ("storage.k8s.io/v1", "CSINode"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("storage.k8s.io/v1", "VolumeAttachment"),
        ("example.org/v1", "Widget"),
    ];
    let folder = tempfile::tempdir()?;
    let texts: Vec<String> = kinds.iter().map(|(version, kind)| document(version, kind, "thing")).collect();
    write(folder.path(), "all/all.yaml", &texts.join("---\n"))?;
    write(folder.path(), "all/kustomization.yaml", "namespace: given\nresources: [all.yaml]\n")?;
    let built = kustomize(&folder.path().join("all"))?.context("kustomize refused")?;
    ensure!(built.len() == kinds.len() && built.iter().any(|(_, _, namespace)| namespace == "given"));
    assert_eq!(expected(&Files::below(folder.path())?, "all"), built);
    Ok(())
}

/// Small and repeatable.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}

/// Folders that include some of those before them: files, bases and components, with or without a namespace.
fn random_tree(root: &Path, seed: u64) -> Result<Vec<String>> {
    let mut dice = Dice(seed);
    let mut folders: Vec<(String, bool)> = Vec::new();
    for number in 0..7 {
        let folder = format!("{}/f{number}", ["apps", "infra/deep", "clusters"][dice.roll(3)]);
        let up = "../".repeat(folder.matches('/').count() + 1);
        let is_component = dice.roll(4) == 0;
        let name = ["kustomization.yaml", "kustomization.yml", "Kustomization"][dice.roll(3)];
        let mut resources = Vec::new();
        for file in 0..dice.roll(3) {
            let of = format!("x{number}-{file}");
            let own = ["", "  namespace: own\n"][dice.roll(2)];
            let role = document("rbac.authorization.k8s.io/v1", "ClusterRole", &of);
            let items = format!(
                "apiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: Secret, metadata: {{name: {of}}}}}\n"
            );
            let config = document("v1", "ConfigMap", &of);
            write(root, &format!("{folder}/{of}.yaml"), &format!("{config}{own}---\n{role}---\n{items}"))?;
            resources.push(format!("{of}.yaml"));
        }
        let (mut bases, mut components) = (Vec::new(), Vec::new());
        for (other, is_component) in &folders {
            if dice.roll(3) == 0 {
                let of = if *is_component { &mut components } else { &mut bases };
                of.push(format!("{up}{other}"));
            }
        }
        resources.extend(bases);
        let kind = match is_component {
            true => "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
            false => "",
        };
        let namespace = ["", "", "namespace: outer\n", "namespace: other\n"][dice.roll(4)];
        let text = format!(
            "{kind}{namespace}resources: [{}]\ncomponents: [{}]\n",
            resources.join(", "),
            components.join(", ")
        );
        write(root, &format!("{folder}/{name}"), &text)?;
        folders.push((folder, is_component));
    }
    Ok(folders.into_iter().filter(|(_, is_component)| !is_component).map(|(folder, _)| folder).collect())
}

#[test]
fn kustomize_gives_the_names_and_namespaces_that_we_expect_of_its_builds() -> Result<()> {
    if !has_kubectl() {
        return Ok(());
    }
    let mut compared = 0;
    for seed in 0..25 {
        let folder = tempfile::tempdir()?;
        let folders = random_tree(folder.path(), seed)?;
        let files = Files::below(folder.path())?;
        let builds = files.builds();
        let is_root = |folder: &&String| {
            builds
                .builds()
                .iter()
                .any(|build| build.kind == BuildKind::Kustomize && build.folder.as_ref() == folder.as_str())
        };
        for root in folders.iter().filter(is_root) {
            // It refuses what is added twice, and folders of nothing.
            let Some(built) = kustomize(&folder.path().join(root))? else { continue };
            assert_eq!(expected(&files, root), built, "seed {seed}, {root}");
            compared += usize::from(!built.is_empty());
        }
    }
    ensure!(compared > 20, "kustomize built only {compared} of the folders");
    Ok(())
}
