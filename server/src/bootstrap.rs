//! What a cluster needs to run the pipelines of watched repositories: RepoSentry's bootstrap pipeline, under its names.

/// The namespace that the files are written for.
pub const NAMESPACE: &str = "reposentry-system";
/// The pipeline's name in them.
pub const PIPELINE: &str = "reposentry-bootstrap-pipeline";

/// Kubernetes' bound of a namespace's name, and what a name of another object is held to here.
const MOST: usize = 63;

const FILES: [&str; 5] = [
    include_str!("../../deploy/tekton/1-namespace.yaml"),
    include_str!("../../deploy/tekton/2-access.yaml"),
    include_str!("../../deploy/tekton/3-tasks.yaml"),
    include_str!("../../deploy/tekton/4-pipeline.yaml"),
    include_str!("../../deploy/tekton/5-listener.yaml"),
];

/// All documents, for another namespace or pipeline's name if need be.
///
/// # Errors
/// If one is no name that Kubernetes takes.
pub fn render(namespace: &str, pipeline: &str) -> Result<String, String> {
    check_name(namespace)?;
    check_name(pipeline)?;
    let files: Vec<&str> = FILES.iter().map(|file| file.trim_end()).collect();
    let text = files.join("\n---\n") + "\n";
    // Both stand nowhere but as these names, which a test sees to. What is put in is not looked through: a new name may hold an
    // old one.
    let parts = text.split(PIPELINE).map(|part| part.replace(NAMESPACE, namespace));
    Ok(parts.collect::<Vec<_>>().join(pipeline))
}

/// Whether a namespace or a pipeline can be called so.
///
/// # Errors
/// A sentence that says what is allowed.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = name.starts_with(plain) && name.ends_with(plain) && name.chars().all(|c| plain(c) || c == '-');
    if fits && name.len() <= MOST {
        return Ok(());
    }
    Err(format!(
        "{name:?} is no name in Kubernetes; at most {MOST} of a-z, 0-9 and -, with a letter or digit at both ends, are allowed"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_names_that_hold_old_ones_stand_as_they_are() {
        let pipeline = format!("{NAMESPACE}-run");
        let text = render("ci", &pipeline).unwrap();
        assert!(text.contains(&format!("name: {pipeline}\n")) && text.contains("namespace: ci\n"), "{text}");
        assert!(!text.contains("ci-run") && !text.contains(PIPELINE), "{text}");
        let namespace = format!("{PIPELINE}s");
        let text = render(&namespace, "mine").unwrap();
        assert!(text.contains(&format!("namespace: {namespace}\n")) && !text.contains("mines"), "{text}");
    }
}
