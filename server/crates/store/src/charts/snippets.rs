//! Texts that install a chart from the most used place, in the newest version that anybody takes from there.

use entity::view::{ChartDetail, ChartSnippet, ChartSource};

/// What is to be installed.
struct Wanted<'d> {
    source: &'d ChartSource,
    /// What it is called at that place, as written.
    name: &'d str,
    /// Nothing where nobody names an exact one.
    version: Option<&'d str>,
}

/// Texts that install a chart; none where no place of it is known, or a part is not written as those of charts are: whoever
/// copies a command runs it, and anybody's repository may name charts.
#[must_use]
pub fn snippets(detail: &ChartDetail) -> Vec<ChartSnippet> {
    let Some(source) = detail.sources.first() else { return Vec::new() };
    let last = source.name.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let wanted = Wanted { source, name: last, version: source.newest_version.as_deref() };
    if ![last, &source.url, &source.key].into_iter().chain(wanted.version).all(is_plain) {
        return Vec::new();
    }
    if let Some((_, folder)) = source.key.split_once("//") {
        // Keys are in lower case; of the folder's own name it is known how it is written.
        let above = folder.rsplit_once('/').map_or(String::new(), |(above, _)| format!("{above}/"));
        let is_name = folder.len() == above.len() + last.len() && folder[above.len()..].eq_ignore_ascii_case(last);
        let folder = if is_name { above + last } else { folder.to_owned() };
        return vec![wanted.git(&folder), wanted.application_of_folder(&folder)];
    }
    match source.url.strip_prefix("oci://") {
        Some(registry) => vec![wanted.oci(registry), wanted.application(registry), wanted.helm_oci(registry)],
        None => vec![wanted.helm_repository(), wanted.application(&source.url), wanted.helm()],
    }
}

/// Whether a text is one word to a shell, no option of a program, and one value to YAML.
fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/%+".contains(&byte))
        && !text.ends_with(':')
}

impl Wanted<'_> {
    fn snippet(title: &str, text: String) -> ChartSnippet {
        ChartSnippet { title: title.to_owned(), text }
    }

    fn metadata(&self) -> String {
        format!("metadata:\n  name: {0}\n  namespace: {0}\n", self.label())
    }

    /// What a release, source or namespace may be called.
    fn label(&self) -> String {
        self.name.to_lowercase()
    }

    /// A line for the version, where there is one.
    fn version(&self, key: &str) -> String {
        self.version.map(|version| format!("{key} {version}\n")).unwrap_or_default()
    }

    fn release(&self, chart: &str) -> String {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n{}spec:\n  interval: 1h\n{chart}  values: {{}}\n",
            self.metadata()
        )
    }

    /// The source, in a namespace that is there.
    fn source(&self, kind: &str, spec: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {}\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: {kind}\n{}spec:\n  interval: 1h\n{spec}---\n",
            self.label(),
            self.metadata()
        )
    }

    fn git(&self, folder: &str) -> ChartSnippet {
        // Which branch or tag has it, no use says.
        let branch = "branch: main # or the branch or tag that you want: none is known here";
        let source = self.source("GitRepository", &format!("  url: {}\n  ref:\n    {branch}\n", self.source.url));
        let chart = format!(
            "  chart:\n    spec:\n      chart: ./{folder}\n      sourceRef:\n        kind: GitRepository\n        name: {}\n",
            self.label()
        );
        Self::snippet("Flux: GitRepository and HelmRelease", source + &self.release(&chart))
    }

    fn oci(&self, registry: &str) -> ChartSnippet {
        let tag = match self.version {
            // No tag of a registry has a `+`: Helm writes `_` for it.
            Some(version) => format!("    tag: {}\n", version.replace('+', "_")),
            None => "    semver: \"*\"\n".to_owned(),
        };
        let spec = format!("  url: oci://{registry}/{}\n  ref:\n{tag}", self.name);
        let chart = format!("  chartRef:\n    kind: OCIRepository\n    name: {}\n", self.label());
        let text = self.source("OCIRepository", &spec) + &self.release(&chart);
        Self::snippet("Flux: OCIRepository and HelmRelease", text)
    }

    fn helm_repository(&self) -> ChartSnippet {
        let chart = format!(
            "  chart:\n    spec:\n      chart: {}\n{}      sourceRef:\n        kind: HelmRepository\n        name: {}\n",
            self.name,
            self.version("      version:"),
            self.label()
        );
        let text = self.source("HelmRepository", &format!("  url: {}\n", self.source.url)) + &self.release(&chart);
        Self::snippet("Flux: HelmRepository and HelmRelease", text)
    }

    fn application(&self, url: &str) -> ChartSnippet {
        let (chart, version) = (self.name, self.version.unwrap_or("\"*\""));
        self.application_of(url, &format!("    chart: {chart}\n    targetRevision: {version}\n"))
    }

    fn application_of_folder(&self, folder: &str) -> ChartSnippet {
        // Which branch or tag has it, no use says: this is the default branch.
        self.application_of(&self.source.url, &format!("    path: {folder}\n    targetRevision: HEAD\n"))
    }

    fn application_of(&self, url: &str, place: &str) -> ChartSnippet {
        let name = self.label();
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  namespace: argocd\nspec:\n  \
             project: default\n  source:\n    repoURL: {url}\n{place}    helm:\n      \
             valuesObject: {{}}\n  destination:\n    server: https://kubernetes.default.svc\n    namespace: {name}\n  \
             syncPolicy:\n    automated: {{}}\n    syncOptions:\n      - CreateNamespace=true\n"
        );
        Self::snippet("Argo CD: Application", text)
    }

    fn helm_oci(&self, registry: &str) -> ChartSnippet {
        self.command(&format!("oci://{registry}/{}", self.name), "")
    }

    fn helm(&self) -> ChartSnippet {
        self.command(self.name, &format!(" --repo {}", self.source.url))
    }

    fn command(&self, chart: &str, more: &str) -> ChartSnippet {
        let version = self.version.map(|version| format!(" --version {version}")).unwrap_or_default();
        let name = self.label();
        let text = format!("helm install {name} {chart}{more}{version} --namespace {name} --create-namespace\n");
        Self::snippet("Helm", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::view::{ChartSummary, ChartVersionsOverTime};

    fn of(key: &str, url: &str, version: Option<&str>) -> Vec<ChartSnippet> {
        let name = key.rsplit('/').next().unwrap().replace("web", "Web");
        let newest_version = version.map(str::to_owned);
        let source = ChartSource { key: key.to_owned(), url: url.to_owned(), name, newest_version, repositories: 1 };
        let chart = ChartSummary {
            id: 1,
            key: "example.org/other".to_owned(),
            name: "other".to_owned(),
            repositories: 1,
            releases: 1,
            newest_version: Some("9.9.9".to_owned()),
            most_used_version: None,
            most_used_releases: 0,
            stars: None,
            change_30_days: 0,
            change_90_days: 0,
        };
        let (first_used_at, last_upgrade_at) = (None, None);
        let (versions, adoption, kinds) = (Vec::new(), Vec::new(), Vec::new());
        snippets(&ChartDetail {
            chart,
            sources: vec![source],
            first_used_at,
            last_upgrade_at,
            versions,
            versions_over_time: ChartVersionsOverTime::default(),
            adoption,
            kinds,
        })
    }

    #[test]
    fn snippets_can_be_read_and_name_the_place_itself() {
        for (key, url, version) in [
            ("ghcr.io/me/charts/web", "oci://ghcr.io/me/charts", Some("1.2.3")),
            ("charts.example.org/web", "https://charts.example.org", None),
            ("example.org/me/repo//charts/web", "https://example.org/me/repo", None),
            ("ghcr.io/me/web", "oci://ghcr.io/me", None),
        ] {
            let texts = of(key, url, version);
            let told = |text: &str| text.contains("web") && !text.contains("other") && !text.contains("9.9.9");
            assert!(texts.iter().all(|one| told(&one.text)), "{texts:?}");
            assert!(texts.iter().all(|one| one.text.contains("Web")), "{texts:?}");
            for ChartSnippet { title, text } in texts.iter().filter(|one| one.title != "Helm") {
                for document in text.split("---\n") {
                    let parsed: serde_yaml::Value =
                        serde_yaml::from_str(document).unwrap_or_else(|error| panic!("{title}: {error}"));
                    assert!(parsed["kind"].is_string(), "{title}");
                }
            }
            assert_eq!(texts.iter().any(|one| one.text.contains("1.2.3")), version.is_some());
        }
        let built = of("ghcr.io/me/web", "oci://ghcr.io/me", Some("1.2.3+build5"));
        assert!(built[0].text.contains("tag: 1.2.3_build5\n") && built[2].text.contains("--version 1.2.3+build5 "));
    }

    #[test]
    fn nothing_that_a_shell_would_run_is_there_to_be_copied() {
        let place = "https://charts.example.org";
        assert_eq!(
            of("charts.example.org/~me/a%2fb/web", "https://charts.example.org:8443/~me", Some("v1.2.3+b_1-x")).len(),
            3
        );
        for (key, url, version) in [
            ("charts.example.org/web;id", place, Some("1.2.3")),
            ("charts.example.org/web$(id)", place, None),
            ("charts.example.org/--post-renderer", place, None),
            ("charts.example.org/web", "https://charts.example.org/`id`", None),
            ("charts.example.org/web", place, Some("1.2.3 --post-renderer x")),
            ("charts.example.org/web", place, Some("1.2.3\n  x: y")),
            ("example.org/me/repo//charts/a b/web", "https://example.org/me/repo", None),
        ] {
            assert_eq!(of(key, url, version).len(), 0, "{key} {url} {version:?}");
        }
    }
}
