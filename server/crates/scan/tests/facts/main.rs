//! What detectors read from manifests as people write them.

mod argo;
mod charts;
mod flux;
mod workloads;

use scan::detect::Facts;
use scan::file::read_file;
use yaml::Limits;

fn facts(text: &str) -> Facts {
    let id = entity::input::ObjectId([0; 20]);
    let mut file = read_file(id, text.as_bytes(), &Limits::default());
    assert!(file.problems.is_empty(), "{:?}", file.problems);
    file.manifests.remove(0).facts
}

fn images(facts: &Facts) -> Vec<String> {
    let image = |image: &entity::input::FoundImage| {
        let part = |mark: &str, part: &Option<String>| part.as_ref().map(|part| format!("{mark}{part}"));
        let (tag, digest) = (part(":", &image.tag), part("@", &image.digest));
        format!("{}{}{} at {}", image.image, tag.unwrap_or_default(), digest.unwrap_or_default(), image.field_path)
    };
    facts.images.iter().map(image).collect()
}
