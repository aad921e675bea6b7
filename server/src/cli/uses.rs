use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use entity::address::name_of;
use entity::credential::shown_address;
use scan::uses::{ChartSources, Evaluator, Figures, Uses};

use super::scan::default_file_bytes;
use super::table::{Table, number};
use super::{Format, UsesArgs, source};
use crate::replay::uses_of_head;

/// Rows of one list that a terminal is given.
const ROWS: usize = 25;

/// Finds out what a repository uses at one commit.
pub(super) fn run(args: &UsesArgs) -> anyhow::Result<()> {
    let sources = match &args.chart_sources {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
            ChartSources::with(&text).with_context(|| file.display().to_string())?
        }
        None => ChartSources::built_in(),
    };
    let source = source::open(&args.source, &args.rev)?;
    let started = Instant::now();
    let evaluator = uses_of_head(&source.repo, source.commit, Arc::new(sources), default_file_bytes(), args.threads)?;
    let uses = Uses::of(&evaluator);
    let commit = source.commit.to_string();
    let mut out = BufWriter::new(std::io::stdout().lock());
    match args.format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &uses.answer(commit))?;
            writeln!(out)?;
        }
        Format::Table => {
            let name = name_of(&shown_address(&args.source));
            writeln!(out, "{name} at {} ({} ms)", &commit[..entity::value::SHORT_HASH], started.elapsed().as_millis())?;
            write_tables(&mut out, &evaluator, &uses)?;
        }
    }
    out.flush()?;
    say_what_is_cut(&uses);
    Ok(())
}

/// Says what the figures do not count, in every format: to programs as well they would look whole.
#[expect(clippy::print_stderr, reason = "beside the answer, which programs read")]
fn say_what_is_cut(uses: &Uses<'_>) {
    for (cut, what) in [
        (uses.cut_values(), "uses of charts have more values than are counted; the rest is left out"),
        (uses.cut_references(), "documents name more than is counted; the rest is left out"),
    ] {
        if cut > 0 {
            eprintln!("kubestats: {} {what}", number(cut as u64));
        }
    }
}

fn write_tables(out: &mut impl Write, evaluator: &Evaluator, uses: &Uses<'_>) -> std::io::Result<()> {
    let figures = Figures::of(uses);
    let count = |count: usize| number(count as u64);
    writeln!(
        out,
        "{} uses of {} charts, {} values at {} paths, {} places of {} images, {} references, {} of them dangling",
        count(figures.chart_uses),
        count(figures.chart_groups),
        count(figures.values_leaves),
        count(figures.values_paths),
        count(figures.image_places_total),
        count(figures.images),
        count(figures.references),
        count(uses.dangling().count()),
    )?;
    if evaluator.is_exhausted() {
        writeln!(out, "The tree was too much to find its builds: everything is taken as it is written.")?;
    }
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let mut charts = Table::new(&["release", "namespace", "chart", "version", "by", ">values"]);
    for one in &uses.charts {
        let place = one.key.as_deref().or(one.chart.as_deref());
        charts.row([
            or_dash(one.name.as_deref()),
            or_dash(one.namespace.as_deref()),
            or_dash(place),
            or_dash(one.version.as_deref()),
            one.reason.map_or_else(|| one.how.to_string(), |reason| format!("{}: {reason}", one.how)),
            count(one.values.leaves.len()),
        ]);
    }
    let mut values = Table::new(&["path", ">uses", "most often", ">times"]);
    for path in uses.value_statistics(ROWS) {
        values.row([path.path, count(path.uses), path.modal, count(path.modal_uses)]);
    }
    let mut images = Table::new(&["image", ">places", "tags"]);
    for image in uses.images() {
        let tags: Vec<&str> = image.tags.keys().map(String::as_str).filter(|tag| !tag.is_empty()).collect();
        images.row([image.image, count(image.places), tags.join(", ")]);
    }
    let mut dangling = Table::new(&["file", "from", "field", "to"]);
    for reference in uses.dangling() {
        let (file, field) = (reference.file.to_string(), reference.field.to_owned());
        dangling.row([file, reference.from.to_string(), field, reference.to.to_string()]);
    }
    let mut cycles = Table::new(&["documents that wait for each other"]);
    for cycle in &uses.cycles {
        cycles.row([cycle.join(", ")]);
    }
    for (title, table) in [
        ("Charts", charts),
        ("Values", values),
        ("Images", images),
        ("Dangling references", dangling),
        ("Cycles", cycles),
    ] {
        if !table.is_empty() {
            table.write(out, title, ROWS)?;
        }
    }
    Ok(())
}
