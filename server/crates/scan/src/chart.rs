//! Which files are templates of Helm charts: those below the `templates` folder that stands beside a `Chart.yaml`.
//! Charts within charts (`charts/NAME`) have a `Chart.yaml` of their own.

use std::collections::HashSet;

/// The folders of a tree's charts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charts {
    folders: HashSet<String>,
}

impl Charts {
    /// Finds the charts among the paths of a tree's files.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let folder = |path: &'a str| match path.rsplit_once('/') {
            Some((folder, "Chart.yaml")) => Some(folder.to_owned()),
            None if path == "Chart.yaml" => Some(String::new()),
            _ => None,
        };
        Self { folders: paths.into_iter().filter_map(folder).collect() }
    }

    /// Whether a file stands among the templates of a chart.
    #[must_use]
    pub fn holds_template(&self, path: &str) -> bool {
        if self.folders.is_empty() {
            return false;
        }
        path.match_indices("templates/").any(|(at, _)| {
            let chart = &path[..at];
            (chart.is_empty() || chart.ends_with('/')) && self.folders.contains(chart.trim_end_matches('/'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_those_below_the_folder_beside_a_chart() {
        let charts = Charts::of(["charts/web/Chart.yaml", "charts/web/charts/db/Chart.yaml", "lib/MyChart.yaml"]);
        for (path, expected) in [
            ("charts/web/templates/deployment.yaml", true),
            ("charts/web/templates/tests/connection.yaml", true),
            ("charts/web/charts/db/templates/service.yaml", true),
            ("charts/web/charts/other/templates/service.yaml", false),
            ("charts/web/crds/crd.yaml", false),
            ("charts/web/mytemplates/a.yaml", false),
            ("charts/web/ci/templates/a.yaml", false),
            ("templates/a.yaml", false),
            ("lib/templates/a.yaml", false),
        ] {
            assert_eq!(charts.holds_template(path), expected, "{path}");
        }
        let root = Charts::of(["Chart.yaml"]);
        assert!(root.holds_template("templates/a.yaml") && !root.holds_template("docs/templates/a.yaml"));
        assert!(!Charts::of([]).holds_template("templates/a.yaml"));
    }
}
