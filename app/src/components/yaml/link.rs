//! Which names in a manifest's text lead to another resource.

/// A resource that the manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedResource {
    pub kind: String,
    pub name: String,
    /// Its page.
    pub href: String,
}

/// Whose names are the manifest's own: they lead nowhere, even where something else has the same name.
const OWN: [&str; 7] = ["metadata", "containers", "initContainers", "env", "ports", "volumes", "volumeMounts"];

/// How far from a name its kind is looked for.
const NEAR: usize = 8;

/// Where the value of line `at` leads, if it is the name of a resource that the manifest refers to: the value of a
/// `name` (or of a key such as `secretName`), outside the manifest's own `metadata`.
pub(super) fn href_of<'l>(lines: &[&str], at: usize, links: &'l [NamedResource]) -> Option<&'l str> {
    if links.is_empty() {
        return None;
    }
    let (indent, key, value) = entry(lines.get(at)?)?;
    if !(key == "name" || key.ends_with("Name") || key == "claimName" || key == "existingSecret") {
        return None;
    }
    let named: Vec<&NamedResource> = links.iter().filter(|link| link.name == value).collect();
    let (first, more) = named.split_first()?;
    // The mapping that the entry stands in: its key says whether the name is the manifest's own.
    let parent = lines[..at].iter().rev().find(|line| entry(line).is_some_and(|(other, ..)| other < indent));
    if parent.and_then(|line| entry(line)).is_some_and(|(_, key, _)| OWN.contains(&key)) {
        return None;
    }
    if more.is_empty() && key != "name" {
        return Some(&first.href);
    }
    // Several have that name, or it may be any name: the kind beside it decides.
    let kind = kind_beside(lines, at, indent);
    match kind {
        Some(kind) => named.iter().find(|link| link.kind == kind).map(|link| link.href.as_str()),
        None if more.is_empty() => Some(&first.href),
        None => None,
    }
}

/// The `kind` in the same mapping as the entry of line `at`. A line with a dash begins a mapping.
fn kind_beside<'t>(lines: &[&'t str], at: usize, indent: usize) -> Option<&'t str> {
    let kind =
        |line: &'t str| entry(line).filter(|(other, key, _)| *other == indent && *key == "kind").map(|found| found.2);
    let outside = |line: &str| entry(line).is_some_and(|(other, ..)| other < indent);
    let begins = |line: &str| line.trim_start().starts_with("- ");
    let mut up = at;
    while !begins(lines[up]) && up > 0 && at - up < NEAR && !outside(lines[up - 1]) {
        up -= 1;
        if let Some(kind) = kind(lines[up]) {
            return Some(kind);
        }
    }
    let mut below = lines[at + 1..].iter().copied().take(NEAR).take_while(|line| !outside(line) && !begins(line));
    below.find_map(kind)
}

/// Column, key and plain value of a line `key: value`; a dash before it counts as indentation.
fn entry(line: &str) -> Option<(usize, &str, &str)> {
    let body = line.trim_start_matches([' ', '-']);
    let indent = line.len() - body.len();
    let (key, value) = body.split_once(':')?;
    if !(value.is_empty() || value.starts_with(' ')) || key.starts_with('#') {
        return None;
    }
    let value = value.split(" #").next().unwrap_or_default().trim();
    Some((indent, key, value.trim_matches(['"', '\''])))
}

#[cfg(test)]
mod tests {
    use super::{NamedResource, href_of};

    const TEXT: &str = "\
kind: HelmRelease
metadata:
  name: app
spec:
  chartRef:
    kind: OCIRepository
    name: app
  dependsOn:
    - name: db
      namespace: data
    - kind: Kustomization
      name: db
  valuesFrom:
    - name: app
      kind: ConfigMap
  values:
    secretName: \"tls\" # by hand
    text: db
";

    fn link(kind: &str, name: &str, href: &str) -> NamedResource {
        NamedResource { kind: kind.to_owned(), name: name.to_owned(), href: href.to_owned() }
    }

    #[test]
    fn names_lead_to_what_they_mean() {
        let lines: Vec<&str> = TEXT.lines().collect();
        let links = [
            link("OCIRepository", "app", "/oci"),
            link("ConfigMap", "app", "/config"),
            link("HelmRelease", "db", "/db"),
            link("Secret", "tls", "/tls"),
        ];
        let found: Vec<(usize, &str)> =
            (0..lines.len()).filter_map(|at| Some((at + 1, href_of(&lines, at, &links)?))).collect();
        assert_eq!(found, [(7, "/oci"), (9, "/db"), (14, "/config"), (17, "/tls")]);
    }

    #[test]
    fn name_of_a_container_is_no_reference() {
        let lines =
            ["spec:", "  serviceAccountName: web", "  containers:", "  - name: web", "    env:", "    - name: web"];
        let links = [link("ServiceAccount", "web", "/account")];
        let found: Vec<Option<&str>> = (0..lines.len()).map(|at| href_of(&lines, at, &links)).collect();
        assert_eq!(found, [None, Some("/account"), None, None, None, None]);
    }

    #[test]
    fn without_a_kind_a_name_that_two_have_leads_nowhere() {
        let lines = ["a:", "  name: x"];
        assert_eq!(href_of(&lines, 1, &[link("Secret", "x", "/1"), link("ConfigMap", "x", "/2")]), None);
        assert_eq!(href_of(&lines, 1, &[link("Secret", "x", "/1")]), Some("/1"));
    }
}
