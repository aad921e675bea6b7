//! Images that stand in invented resources themselves.

use entity::input::{FoundImageUse, FoundResource, ImageUseFacts};
use entity::kind::{ImagePlaceKind, ImageState};

use super::names::{id_of, image_name, version_of};
use super::{IMAGES, Told, VERSIONS, Wanted};

impl Told<'_> {
    /// Images that stand in resources themselves.
    pub(super) fn images_of_resources(&mut self, wanted: &Wanted, resources: &[&FoundResource]) {
        const SPANS: usize = 10;
        if resources.is_empty() {
            return;
        }
        let mut left = wanted.images.saturating_sub(self.batch.image_uses.len());
        let mut place = 0;
        while left > 0 {
            let resource = resources[place % resources.len()];
            let container = place / resources.len();
            let number = self.long_tail(IMAGES);
            let image = self.image(image_name(number));
            let from = 20 + self.up_to(self.line.len() - 40);
            let to = (self.dice.roll(4) == 0).then(|| from + 5 + self.up_to(self.line.len() - from - 6));
            let changes = SPANS.min(left) - 1;
            let starts: Vec<usize> = std::iter::once(from).chain(self.moments(from, to, changes, &[])).collect();
            for (nth, start) in starts.iter().enumerate() {
                let facts = ImageUseFacts {
                    release_id: None,
                    chart_id: None,
                    place: ImagePlaceKind::Resource,
                    file_path: resource.file_path.clone(),
                    document: "0".to_owned(),
                    kind: Some(resource.kind.clone()),
                    name: Some(resource.name.clone()),
                    path: format!("spec.template.spec.containers[{container}].image"),
                    state: ImageState::Image,
                    image_id: Some(image),
                    tag: Some(version_of(number, VERSIONS * start / self.line.len() + nth)),
                    digest: None,
                    written: None,
                    variables: Default::default(),
                };
                let span = self.span(*start, starts.get(nth + 1).copied().or(to));
                let id = id_of(&["image", &self.number.to_string(), &place.to_string(), &start.to_string()]);
                self.batch.image_uses.push(FoundImageUse { id, ordinal: 0, facts, span });
            }
            left -= starts.len();
            place += 1;
        }
    }
}
