use std::io::{BufWriter, Write as _};
use std::time::Instant;

use serde::Serialize;

use super::table::{Table, number};
use super::{Format, ScanArgs, source};
use crate::config;
use crate::replay::{HeadScan, Parser, scan_head};

/// Rows of one list that a terminal is given.
const ROWS: usize = 25;

/// The figures at the top level, then where they come from.
#[derive(Serialize)]
struct Answer<'a> {
    commit: String,
    #[serde(flatten)]
    figures: &'a scan::figures::TreeFigures,
    duration_ms: u128,
}

pub(super) fn run(args: &ScanArgs) -> anyhow::Result<()> {
    let source = source::open(&args.source, &args.rev)?;
    let commit = source.repo.resolve(&args.rev)?;
    let started = Instant::now();
    let head = scan_head(&source.repo, commit, &Parser::new(default_file_bytes()), args.threads)?;
    let duration_ms = started.elapsed().as_millis();
    let mut out = BufWriter::new(std::io::stdout().lock());
    match args.format {
        Format::Json => {
            let answer = Answer { commit: commit.to_string(), figures: &head.figures, duration_ms };
            serde_json::to_writer_pretty(&mut out, &answer)?;
            writeln!(out)?;
        }
        Format::Table => {
            let name = config::name_of(&args.source);
            writeln!(out, "{name} at {} ({duration_ms} ms)", &commit.to_string()[..12])?;
            write_tables(&mut out, &head)?;
        }
    }
    out.flush()?;
    Ok(())
}

/// What a scan reads at most where nothing is configured.
pub(super) fn default_file_bytes() -> usize {
    scan::yaml::Limits::default().bytes
}

fn write_tables(out: &mut impl std::io::Write, head: &HeadScan) -> std::io::Result<()> {
    let figures = &head.figures;
    writeln!(
        out,
        "{} YAML files, {} documents, {} Kubernetes resources of {} kinds, {} unparsable files",
        number(figures.yaml_files),
        number(figures.yaml_documents),
        number(figures.kubernetes_documents_list_expanded),
        number(figures.distinct_kinds),
        number(figures.unparsable_files_count),
    )?;
    let mut kinds = Table::new(&["kind", "group", ">count"]);
    for kind in &figures.by_kind {
        kinds.row([kind.kind.clone(), kind.group.clone(), number(kind.count)]);
    }
    let mut charts = Table::new(&["chart", "version", ">uses"]);
    for ((name, version), uses) in &head.charts {
        charts.row([name.clone(), version.clone(), number(*uses)]);
    }
    let mut images = Table::new(&["image", ">uses"]);
    for (image, uses) in &head.images {
        images.row([image.clone(), number(*uses)]);
    }
    let mut problems = Table::new(&["path", ">line", "class", "problem"]);
    for (path, problem) in &head.problems {
        let line = problem.line.map(|line| line.to_string()).unwrap_or_default();
        problems.row([path.clone(), line, problem.class.to_string(), problem.message.clone()]);
    }
    for (title, table) in [("Kinds", kinds), ("Charts", charts), ("Images", images), ("Problems", problems)] {
        if !table.is_empty() {
            table.write(out, title, ROWS)?;
        }
    }
    Ok(())
}
