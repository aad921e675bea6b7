//! Manifests that are a chart by themselves.

use crate::facts;

#[test]
fn charts_of_k3s_and_of_kustomize_have_their_version_on_the_resource() {
    for (text, version) in [
        (
            "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: web}\nspec: {chart: web, version: 1.10}\n",
            Some("1.10"),
        ),
        (
            "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: web}\nspec: {chart: 'oci://r.example/web'}\n",
            None,
        ),
        // What they set is of the HelmChart of that name.
        ("apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {name: web}\nspec: {version: 1.10}\n", None),
        (
            "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: web}\nname: web\nversion: 2.0.0\n",
            Some("2.0.0"),
        ),
        (
            "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: web}\nchartName: web\nchartVersion: 1.0.0\n\
             version: v1\n",
            Some("1.0.0"),
        ),
        ("apiVersion: example.com/v1\nkind: HelmChart\nmetadata: {name: web}\nspec: {version: 1.0.0}\n", None),
    ] {
        let facts = facts(text);
        assert_eq!(facts.version.as_deref(), version, "{text}");
        assert!(facts.charts.is_empty() && facts.source.is_none() && facts.provides.is_none(), "{text}: {facts:?}");
    }
}
