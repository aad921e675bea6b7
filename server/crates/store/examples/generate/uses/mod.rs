//! Charts, values and images that an invented repository uses, as the spans that a first scan leaves.
//!
//! A few charts are used by nearly everybody and most by few; versions go up over the years; what most people set, they set
//! alike. Ids follow from what they name, as those of scans do.

use std::collections::BTreeSet;

use entity::input::{
    ChartUseFacts, FoundChartUse, FoundReference, FoundRelease, FoundResource, LinePoint, Span, UseCommit, UsesBatch,
};
use entity::kind::{ChartResolution, ChartUseKind, ReferenceStatus, Renderer, VersionKind};

use super::invent::APPS;
use super::{Dice, Scale};

mod images;
mod names;
mod settings;
mod values;

use names::{Names, id_of, version_of};

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
                variables: Default::default(),
            };
            let span = self.span(*start, starts.get(nth + 1).copied().or(to));
            let id = id_of(&["use", &id.to_string(), &start.to_string()]);
            self.batch.uses.push(FoundChartUse { id, release_id: release.id, facts, span });
        }
        release
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
