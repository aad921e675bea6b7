//! Charts, values and images that an invented repository uses, as the spans that a first scan leaves.
//!
//! A few charts are used by nearly everybody and most by few; versions go up over the years; what most people set, they set
//! alike. Ids follow from what they name, as those of scans do.

use std::collections::{BTreeMap, BTreeSet};

use entity::input::{
    ChartUseFacts, FoundChartSource, FoundChartUse, FoundChartValue, FoundImageUse, FoundReference, FoundRelease,
    FoundResource, ImageUseFacts, LinePoint, Span, UseCommit, UsesBatch, ValueFacts, ValueSpanKey,
};
use entity::kind::{
    ChartResolution, ChartUseKind, ImagePlaceKind, ImageState, ReferenceStatus, Renderer, ValueType, VersionKind,
};

use super::invent::{APPS, PARTS, hash};
use super::{Dice, Scale};

#[path = "words.rs"]
mod words;

use words::{KEYS, SECTIONS, Setting};

/// How many charts and images there are to choose from.
const CHARTS: usize = 300;
const IMAGES: usize = 400;
/// Paths that users of a chart set.
const PATHS: usize = 60;
/// Versions that a chart has had.
const VERSIONS: usize = 60;

/// How much of each, taken from how many events there are: a change of a value is one most of the time.
struct Wanted {
    /// Spans of uses.
    uses: usize,
    values: usize,
    images: usize,
}

impl Wanted {
    fn of(scale: Scale) -> Self {
        let events = scale.events as usize;
        Self { uses: events / 50, values: events, images: events / 5 }
    }
}

/// What a repository uses over its whole line. The line must be given from its first commit.
pub(super) fn invent_uses(number: u32, scale: Scale, line: &[UseCommit], resources: &[FoundResource]) -> UsesBatch {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d ^ (u64::from(number) << 17));
    // The first numbers of seeds that are alike are alike.
    for _ in 0..32 {
        dice.roll(2);
    }
    let mut told =
        Told { number, line, dice, batch: UsesBatch::default(), touched: BTreeSet::new(), names: Names::default() };
    if line.len() < 50 {
        return told.batch;
    }
    let wanted = Wanted::of(scale);
    let of_kind = |kind: &str| resources.iter().filter(|one| one.kind == kind).collect::<Vec<_>>();
    let (releases, others) = (of_kind("HelmRelease"), of_kind("Deployment"));
    told.releases(&wanted, &releases);
    told.images_of_resources(&wanted, &others);
    told.references(&releases);
    told.finish()
}

/// Names that this repository has told, each once.
#[derive(Default)]
struct Names {
    charts: BTreeSet<usize>,
    paths: BTreeMap<String, i64>,
    images: BTreeMap<String, i64>,
}

struct Told<'a> {
    number: u32,
    line: &'a [UseCommit],
    dice: Dice,
    batch: UsesBatch,
    /// Places on the line at which anything began or ended.
    touched: BTreeSet<usize>,
    names: Names,
}

/// A release that is being told.
struct Release<'r> {
    id: i64,
    chart: usize,
    chart_id: i64,
    app: &'static str,
    resource: &'r FoundResource,
    from: usize,
    to: Option<usize>,
    /// Where its versions changed.
    bumps: Vec<usize>,
}

impl Told<'_> {
    fn releases(&mut self, wanted: &Wanted, resources: &[&FoundResource]) {
        if resources.is_empty() {
            return;
        }
        let count = wanted.uses.div_ceil(3);
        // A quarter of the images stands in resources themselves.
        let mut left = Wanted { uses: wanted.uses, values: wanted.values, images: wanted.images * 3 / 4 };
        let mut charts = BTreeSet::new();
        for place in 0..count {
            let chart = self.choose_chart(&mut charts);
            let resource = resources[place % resources.len()];
            let rest = count - place;
            let last = rest == 1;
            let spans = if last { left.uses } else { 1 + self.up_to(left.uses.saturating_sub(rest) * 2 / rest) };
            let release = self.release(place, chart, resource, spans.clamp(1, 20));
            left.uses = left.uses.saturating_sub(release.bumps.len() + 1);
            let images = self.values(&release, left.values / rest, left.images / rest, &mut left);
            left.images = left.images.saturating_sub(images);
        }
    }

    /// Every release names the source of its chart.
    fn references(&mut self, releases: &[&FoundResource]) {
        for (place, release) in releases.iter().enumerate() {
            let Some(source) = &release.source else { continue };
            let number = self.number.to_string();
            let id = id_of(&["reference", &number, &place.to_string()]);
            let at = self.line[0].at;
            self.touched.insert(0);
            self.batch.references.push(FoundReference {
                id,
                key: id_of(&["edge", &number, &place.to_string()]),
                file_path: release.file_path.clone(),
                from_kind: release.kind.clone(),
                from_name: release.name.clone(),
                field: "spec.chart.spec.sourceRef".to_owned(),
                kind: source.kind.clone(),
                namespace: source.namespace.clone(),
                name: source.name.clone(),
                status: ReferenceStatus::Resolved,
                span: Span { from: at, to: None },
            });
        }
    }

    /// A chart that is not here yet, or the one that installs whatever image one wants: that is used over and over.
    fn choose_chart(&mut self, here: &mut BTreeSet<usize>) -> usize {
        let mut chart = self.long_tail(CHARTS);
        while chart > 0 && !here.insert(chart) {
            chart = (chart + 1) % CHARTS;
        }
        chart
    }

    fn release<'r>(&mut self, place: usize, chart: usize, resource: &'r FoundResource, spans: usize) -> Release<'r> {
        let commits = self.line.len();
        let from = 20 + self.up_to(commits * 7 / 10);
        let from = from.min(commits - 20);
        let to = (self.dice.roll(5) == 0).then(|| from + 10 + self.up_to(commits - from - 11));
        let id = id_of(&["release", &self.number.to_string(), &place.to_string()]);
        let (chart_id, source_id, source_url, chart_name) = self.chart(chart);
        let mut release = Release {
            id,
            chart,
            chart_id,
            app: if chart == 0 { APPS[self.long_tail(APPS.len())] } else { APPS[(chart - 1) % APPS.len()] },
            resource,
            from,
            to,
            bumps: Vec::new(),
        };
        self.batch.releases.push(FoundRelease { id, first_sequence: from as i64 });
        release.bumps = self.moments(from, to, spans - 1, &[]).into_iter().collect();
        let argo = self.number % 10 == 9;
        let open_ended = self.dice.roll(40) == 0;
        let lag = self.up_to(4);
        let mut step: usize = 0;
        let starts: Vec<usize> = std::iter::once(from).chain(release.bumps.iter().copied()).collect();
        for (nth, start) in starts.iter().enumerate() {
            // The newest of that time, for those who are quick.
            let newest = (VERSIONS * start / commits).saturating_sub(lag);
            // Some go back to what they had.
            step = if nth > 1 && self.dice.roll(20) == 0 { step.saturating_sub(1) } else { newest.max(step + 1) };
            let (version, version_kind) = match open_ended {
                true => (format!("{}.x", 1 + nth), VersionKind::Range),
                false => (version_of(chart, step), VersionKind::Exact),
            };
            let facts = ChartUseFacts {
                chart_id: Some(chart_id),
                source_id: Some(source_id),
                file_path: resource.file_path.clone(),
                document: "0".to_owned(),
                part: None,
                kind: if argo { ChartUseKind::Argo } else { ChartUseKind::HelmRelease },
                name: Some(resource.name.clone()),
                release_name: Some(resource.name.clone()),
                namespace: resource.namespace.clone(),
                chart_name: Some(chart_name.clone()),
                source_url: Some(source_url.clone()),
                version: Some(version),
                version_kind,
                digest: None,
                how: match (argo, place % 3) {
                    (true, _) => ChartResolution::Argo,
                    (false, 0) => ChartResolution::OciRepository,
                    (false, _) => ChartResolution::HelmRepository,
                },
                reason: None,
                by_name: false,
                rendered: if argo { Renderer::Argo } else { Renderer::Flux },
                values_resolved: 0,
                values_missing: 0,
                values_secret: i32::from(place.is_multiple_of(7)),
            };
            let span = self.span(*start, starts.get(nth + 1).copied().or(to));
            let id = id_of(&["use", &id.to_string(), &start.to_string()]);
            self.batch.uses.push(FoundChartUse { id, release_id: release.id, facts, span });
        }
        release
    }

    /// Tells a release's values: so many spans, of which so many are those of its image. Gives back how many were.
    fn values(&mut self, release: &Release<'_>, spans: usize, of_image: usize, left: &mut Wanted) -> usize {
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

    /// Images that stand in resources themselves.
    fn images_of_resources(&mut self, wanted: &Wanted, resources: &[&FoundResource]) {
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
                };
                let span = self.span(*start, starts.get(nth + 1).copied().or(to));
                let id = id_of(&["image", &self.number.to_string(), &place.to_string(), &start.to_string()]);
                self.batch.image_uses.push(FoundImageUse { id, ordinal: 0, facts, span });
            }
            left -= starts.len();
            place += 1;
        }
    }

    /// Says which commits anything began or ended at.
    fn finish(mut self) -> UsesBatch {
        self.batch.commits = self.touched.iter().map(|place| self.line[*place]).collect();
        self.batch.paths = self.names.paths.into_iter().map(|(path, id)| (id, path)).collect();
        self.batch.images = self.names.images.into_iter().map(|(image, id)| (id, image)).collect();
        // As they lie in the table.
        self.batch.values.sort_by_key(|value| value.key);
        self.batch
    }

    fn span(&mut self, from: usize, to: Option<usize>) -> Span {
        let mut at = |place: usize| -> LinePoint {
            self.touched.insert(place);
            self.line[place].at
        };
        Span { from: at(from), to: to.map(at) }
    }

    /// Different places on the line after one and before another, in order: some of them those that are given.
    fn moments(&mut self, from: usize, to: Option<usize>, count: usize, given: &[usize]) -> BTreeSet<usize> {
        let room = to.unwrap_or(self.line.len()) - from - 1;
        let mut moments = BTreeSet::new();
        while moments.len() < count.min(room / 2) {
            let of_given = given.get(self.up_to(given.len() * 3));
            moments.insert(of_given.copied().unwrap_or_else(|| from + 1 + self.up_to(room)));
        }
        moments
    }

    /// Ids of a chart and of the place it comes from, that place's address, and the chart's name there.
    fn chart(&mut self, chart: usize) -> (i64, i64, String, String) {
        let (key, name) = chart_key(chart);
        let chart_id = shown_id("chart", &key);
        // Some are kept in two places.
        let twice = chart % 4 == 1;
        let elsewhere = twice && self.dice.roll(3) == 0;
        if self.names.charts.insert(chart) {
            let keys = [Some(key.clone()), twice.then(|| format!("ghcr.io/mirrored/{name}"))];
            for source in keys.into_iter().flatten() {
                self.batch.sources.push(FoundChartSource {
                    id: shown_id("source", &source),
                    url: address_of(&source),
                    key: source,
                    chart_id,
                    chart_key: key.clone(),
                    chart_name: name.clone(),
                });
            }
            self.batch.aliases.push((format!("{}-{name}", key.replace(['/', '.'], "-")), chart_id));
        }
        let source = if elsewhere { format!("ghcr.io/mirrored/{name}") } else { key };
        (chart_id, shown_id("source", &source), address_of(&source), name)
    }

    fn path(&mut self, path: String) -> i64 {
        let id = id_of(&["path", &path]);
        *self.names.paths.entry(path).or_insert(id)
    }

    fn image(&mut self, name: String) -> i64 {
        let id = shown_id("image", &name);
        *self.names.images.entry(name).or_insert(id)
    }

    /// One of so many, 0 for none.
    fn up_to(&mut self, count: usize) -> usize {
        self.dice.roll(count as u64) as usize
    }

    /// One of so many, of which the first is drawn most often and the last hardly ever.
    fn long_tail(&mut self, count: usize) -> usize {
        let share = self.dice.roll(1 << 20) as f64 / f64::from(1 << 20);
        ((count as f64).powf(share) as usize - 1).min(count - 1)
    }
}

/// Key and name of a chart, by its place among all.
fn chart_key(chart: usize) -> (String, String) {
    let Some(place) = chart.checked_sub(1) else {
        return ("ghcr.io/home-operations/charts/app-template".to_owned(), "app-template".to_owned());
    };
    let (app, part) = (APPS[place % APPS.len()], PARTS[place / APPS.len() % PARTS.len()]);
    let name = format!("{app}{part}");
    let key = if chart.is_multiple_of(2) {
        format!("ghcr.io/{app}/charts/{name}")
    } else {
        format!("{app}.example/charts/{name}")
    };
    (key, name)
}

/// The address of a registry or repository that has what a key names.
fn address_of(key: &str) -> String {
    let folder = key.rsplit_once('/').map_or(key, |(folder, _)| folder);
    let scheme = if key.starts_with("ghcr.io/") { "oci" } else { "https" };
    format!("{scheme}://{folder}")
}

fn image_name(number: usize) -> String {
    let (app, part) = (APPS[number % APPS.len()], PARTS[number / APPS.len() % PARTS.len()]);
    let registry = ["ghcr.io", "docker.io", "quay.io"][number % 3];
    format!("{registry}/{app}/{app}{part}")
}

/// The nth version of a chart or image, higher than those before.
fn version_of(of: usize, nth: usize) -> String {
    format!("{}.{}.{}", of % 9 + nth / 24, nth % 24 / 3, nth % 3)
}

/// An id that follows from words, positive.
fn id_of(words: &[&str]) -> i64 {
    // FNV-1a, stirred once more: what is stored under it is invented.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in words.iter().flat_map(|word| word.bytes().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^= hash >> 29;
    (hash >> 1).cast_signed()
}

/// The same for what people ask by its id: of JSON's numbers only 53 bits are exact everywhere.
fn shown_id(what: &str, name: &str) -> i64 {
    id_of(&[what, name]) & ((1 << 53) - 1)
}
