use std::io::{BufWriter, Write as _};
use std::time::Instant;

use entity::address::name_of;
use entity::credential::shown_address;
use entity::input::FoundProblem;
use serde::Serialize;

use super::table::{Table, number};
use super::{Format, ScanArgs, source};
use crate::replay::{HeadScan, Parser, scan_head};

/// Rows of one list that a terminal is given.
const ROWS: usize = 25;

/// The figures at the top level, then where they come from.
#[derive(Serialize)]
struct Answer {
    /// Only where several repositories are scanned at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    commit: String,
    #[serde(flatten)]
    figures: scan::figures::TreeFigures,
    /// As the table for people tells them, paths that are not read among them.
    problems: Vec<Problem>,
    duration_ms: u128,
}

#[derive(Serialize)]
struct Problem {
    path: String,
    line: Option<u32>,
    column: Option<u32>,
    class: entity::kind::ProblemClass,
    message: String,
}

impl Problem {
    fn new((path, problem): (String, FoundProblem)) -> Self {
        let FoundProblem { class, line, column, message } = problem;
        Self { path, line, column, class, message }
    }
}

/// Scans one repository after the other. One that cannot be read is named and does not keep the others from it.
pub(super) fn run(args: &ScanArgs) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut answers = Vec::new();
    let mut failed = Vec::new();
    let many = args.sources.len() > 1;
    for source in &args.sources {
        let place = &shown_address(source).into_owned();
        let (head, duration_ms) = match scan_one(source, args) {
            Ok(scanned) => scanned,
            Err(error) if many => {
                failed.push(format!("{place}: {error:#}"));
                continue;
            }
            Err(error) => return Err(error),
        };

        match args.format {
            Format::Json => {
                let source = many.then(|| place.clone());
                let problems = head.problems.into_iter().map(Problem::new).collect();
                answers.push(Answer {
                    source,
                    commit: head.commit.to_string(),
                    figures: head.figures,
                    problems,
                    duration_ms,
                });
            }
            Format::Table => {
                let name = name_of(place);
                writeln!(out, "{name} at {} ({duration_ms} ms)", head.commit.short())?;
                write_tables(&mut out, &head)?;
            }
        }
    }
    if args.format == Format::Json {
        match answers.as_slice() {
            [answer] if !many => serde_json::to_writer_pretty(&mut out, answer)?,
            answers => serde_json::to_writer_pretty(&mut out, answers)?,
        }
        writeln!(out)?;
    }
    out.flush()?;
    anyhow::ensure!(failed.is_empty(), "not scanned: {}", failed.join("; "));
    Ok(())
}

fn scan_one(place: &str, args: &ScanArgs) -> anyhow::Result<(HeadScan, u128)> {
    let source = source::open(place, &args.rev)?;
    let started = Instant::now();
    let parser = Parser::new(default_file_bytes(), scan::mask::Rules::default());
    let head = scan_head(&source.repo, source.commit, &parser, args.threads)?;
    Ok((head, started.elapsed().as_millis()))
}

/// What a scan reads at most where nothing is configured.
pub(super) fn default_file_bytes() -> usize {
    yaml::Limits::default().bytes
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
