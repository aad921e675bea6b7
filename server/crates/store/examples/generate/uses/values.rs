//! The values of invented releases, and the image that one of them is the tag of.

use std::collections::BTreeSet;

use entity::input::{FoundChartValue, FoundImageUse, ImageUseFacts, Span, ValueFacts, ValueSpanKey};
use entity::kind::{ImagePlaceKind, ImageState, ValueType};

use super::super::invent::hash;
use super::names::{id_of, version_of};
use super::settings::{KEYS, SECTIONS, Setting};
use super::{PATHS, Release, Told, VERSIONS, Wanted};

impl Told<'_> {
    /// Tells a release's values: so many spans, of which so many are those of its image. Gives back how many were.
    pub(super) fn values(&mut self, release: &Release<'_>, spans: usize, of_image: usize, left: &mut Wanted) -> usize {
        let paths = (20 + self.up_to(31)).min(spans.max(1));
        let tags = of_image.saturating_sub(1).min(spans.saturating_sub(paths));
        // What is left changes other paths, some much more often than others.
        let mut changes = vec![0; paths];
        for _ in 0..spans.saturating_sub(paths + tags) {
            let path = 1 + self.up_to(paths - 1).min(self.up_to(paths - 1));
            changes[path.min(paths - 1)] += 1;
        }
        let before = self.batch.values.len();
        let images = self.image_of_values(release, tags);
        // Everybody sets the first of a chart's paths; the others, whoever needs them.
        let mut places: BTreeSet<usize> = (1..paths.div_ceil(2)).collect();
        while places.len() + 1 < paths {
            places.insert(paths / 2 + self.up_to(PATHS - paths / 2));
        }
        for (place, changes) in places.into_iter().zip(changes.into_iter().skip(1)) {
            self.value(release, place, changes);
        }
        left.values = left.values.saturating_sub(self.batch.values.len() - before);
        images
    }

    /// The tag of a release's image: a value, and the image's use, which change together.
    fn image_of_values(&mut self, release: &Release<'_>, changes: usize) -> usize {
        let prefix = match (release.chart, self.dice.roll(3)) {
            (0, 0) => format!("controllers.{}.containers.app.", release.app),
            (0, _) => "controllers.main.containers.app.".to_owned(),
            _ => String::new(),
        };
        let image = format!("ghcr.io/{0}/{0}", release.app);
        let image_id = self.image(image);
        let path = self.path(format!("{prefix}image.tag"));
        let pinned = self.dice.roll(2) == 0;
        let moments = self.moments(release.from, release.to, changes, &release.bumps);
        let starts: Vec<usize> = std::iter::once(release.from).chain(moments).collect();
        for (nth, start) in starts.iter().enumerate() {
            let tag = version_of(release.app.len(), VERSIONS * start / self.line.len() + nth);
            let digest = pinned.then(|| format!("sha256:{}", hash(&mut self.dice)));
            let text = digest.as_deref().map_or_else(|| tag.clone(), |digest| format!("{tag}@{digest}"));
            let span = self.span(*start, starts.get(nth + 1).copied().or(release.to));
            let facts = ValueFacts { kind: ValueType::String, text, masked: false };
            self.push_value(release, (path, 0), *start, 12, facts, span);
            let facts = ImageUseFacts {
                release_id: Some(release.id),
                chart_id: Some(release.chart_id),
                place: ImagePlaceKind::Values,
                // Moves with the release, and stands there alone.
                file_path: String::new(),
                document: String::new(),
                kind: None,
                name: None,
                path: format!("{prefix}image"),
                state: ImageState::Image,
                image_id: Some(image_id),
                tag: Some(tag),
                digest,
                written: None,
                variables: Default::default(),
            };
            let id = id_of(&["image use", &release.id.to_string(), &start.to_string()]);
            self.batch.image_uses.push(FoundImageUse { id, ordinal: 0, facts, span });
        }
        starts.len()
    }

    fn value(&mut self, release: &Release<'_>, place: usize, changes: usize) {
        // Charts share many of their paths.
        let of_chart = (release.chart * 31 + place * 17) % (SECTIONS.len() * KEYS.len());
        let (key, setting) = KEYS[of_chart % KEYS.len()];
        let section = SECTIONS[of_chart / KEYS.len()];
        // What installs anything has paths that are called as what it installs.
        let path = match release.chart == 0 && place > PATHS * 2 / 3 {
            true => format!("{section}.{}.{key}", release.app),
            false => format!("{section}.{key}"),
        };
        let path = self.path(path);
        // Of several items of a list each is a row; one of them changes.
        let items = if key.ends_with("[]") { 1 + self.dice.roll(3) as i32 } else { 1 };
        // A secret that changes is no new span.
        let changes = if matches!(setting, Setting::Secret) { 0 } else { changes };
        let moments = self.moments(release.from, release.to, changes, &release.bumps);
        let starts: Vec<usize> = std::iter::once(release.from).chain(moments).collect();
        let leaves = starts.len() > 1 && self.dice.roll(6) == 0;
        let mut before = None;
        for (which, start) in starts.iter().enumerate() {
            let last = which + 1 == starts.len();
            if last && leaves {
                // Here it was taken out.
                continue;
            }
            let facts = self.setting(setting, release, before.take());
            before = Some(facts.text.clone());
            let span = self.span(*start, starts.get(which + 1).copied().or(release.to));
            self.push_value(release, (path, 0), *start, 20 + place as i32, facts, span);
        }
        for ordinal in 1..items {
            let facts = self.setting(setting, release, None);
            let span = self.span(release.from, release.to);
            self.push_value(release, (path, ordinal), release.from, 20 + place as i32, facts, span);
        }
    }

    /// What somebody sets, which is not what it was before.
    fn setting(&mut self, setting: Setting, release: &Release<'_>, before: Option<String>) -> ValueFacts {
        let own = self.dice.roll(10_000);
        let (kind, text) = match setting {
            Setting::Secret => return ValueFacts { kind: ValueType::Secret, text: String::new(), masked: true },
            Setting::Boolean => {
                let usual = self.dice.roll(4) > 0;
                let text = match before.as_deref() {
                    Some("true") => "false",
                    Some(_) => "true",
                    None if usual => "true",
                    None => "false",
                };
                return ValueFacts { kind: ValueType::Boolean, text: text.to_owned(), masked: false };
            }
            Setting::Number(common) => {
                let usual = common[self.long_tail(common.len())].to_owned();
                (ValueType::Number, if self.dice.roll(8) == 0 { own.to_string() } else { usual })
            }
            Setting::Text(common) => {
                let usual = common[self.long_tail(common.len())].to_owned();
                (ValueType::String, if self.dice.roll(8) == 0 { format!("{usual}-{own}") } else { usual })
            }
            Setting::Host => (ValueType::String, format!("{}.lab-{}.example", release.app, self.number)),
        };
        let text = match before {
            Some(before) if before == text && kind == ValueType::Number => (own + 10_000).to_string(),
            Some(before) if before == text => format!("{text}-{own}"),
            _ => text,
        };
        ValueFacts { kind, text, masked: false }
    }

    fn push_value(
        &mut self,
        release: &Release<'_>,
        (path_id, ordinal): (i64, i32),
        start: usize,
        line: i32,
        facts: ValueFacts,
        span: Span,
    ) {
        self.batch.values.push(FoundChartValue {
            key: ValueSpanKey { release_id: release.id, path_id, ordinal, from_sequence: start as i64 },
            chart_id: Some(release.chart_id),
            facts,
            file_path: Some(release.resource.file_path.clone()),
            line,
            span,
        });
    }
}
