//! Files that could not be read as they should.

use entity::input::*;
use entity::kind::*;
use entity::view::PageQuery;
use store::{problems, repositories, scans};

use crate::support::input::*;
use crate::support::{at, on_each_engine};

#[tokio::test]
async fn problems_of_a_file_are_replaced_and_cleared() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let problem =
            |line| FoundProblem { class: ProblemClass::Tab, line: Some(line), column: None, message: "tab\0".into() };
        let file = |path: &str, lines: &[u32]| FileProblems {
            file_path: path.into(),
            commit: oid(100),
            since: day(0),
            problems: lines.iter().map(|line| problem(*line)).collect(),
        };
        let mut first = batch(vec![commit(0, vec![])], vec![]);
        first.problems = vec![file("b.yaml", &[9, 4]), file("a.yaml", &[1])];
        scan(&db, id, &first).await;
        let listed = problems::list_problems(&db.read, id, None, PageQuery::default()).await.unwrap();
        let lines: Vec<_> = listed.data.iter().map(|p| (p.file_path.as_str(), p.line.unwrap())).collect();
        assert_eq!((lines, listed.count), (vec![("a.yaml", 1), ("b.yaml", 4), ("b.yaml", 9)], 3));
        let link = format!("https://github.com/ada/home/blob/{}/a.yaml#L1", oid(100));
        assert_eq!(listed.data[0].web_url.as_deref(), Some(link.as_str()));
        let mut second = batch(vec![commit(1, vec![])], vec![]);
        second.problems = vec![file("b.yaml", &[]), file("a.yaml", &[2])];
        scan(&db, id, &second).await;
        let listed = problems::list_problems(&db.read, id, None, PageQuery::default()).await.unwrap();
        assert_eq!((listed.count, listed.data[0].line), (1, Some(2)));
        assert_eq!(repositories::find_repository(&db.read, id).await.unwrap().unwrap().counts.problems, 1);
    })
    .await;
}

#[tokio::test]
async fn templates_of_charts_are_told_apart_as_charts_come_and_go() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/charts").await;
        let other = add_repository(&db, "kim/charts").await;
        let template = |path: &str, class| FileProblems {
            file_path: path.into(),
            commit: oid(100),
            since: day(0),
            problems: vec![FoundProblem { class, line: Some(1), column: None, message: "no YAML".into() }],
        };
        let mut first = batch(vec![commit(0, vec![])], vec![]);
        first.problems = vec![
            template("web/templates/a.yaml", ProblemClass::Template),
            template("docs/templates/b.yaml", ProblemClass::Template),
            template("web/templates/c.yaml", ProblemClass::Syntax),
        ];
        scan(&db, other, &first).await;
        scan(&db, id, &first).await;
        let figures = async || {
            let run = scans::begin_scan(&db.write, id, at(9, 0)).await.unwrap();
            let counts = scans::finish_scan(&db.write, id, run, HeadFigures::default(), at(9, 1)).await.unwrap();
            let listed = problems::list_problems(&db.read, id, None, PageQuery::default()).await.unwrap();
            assert_eq!(u64::try_from(counts.problems), Ok(listed.count), "what is counted is what is listed");
            (counts.problems, counts.helm_templates)
        };
        assert_eq!(figures().await, (3, 0));
        scans::mark_helm_templates(&db.write, id, |path| path.starts_with("web/")).await.unwrap();
        assert_eq!(figures().await, (2, 1), "a file without marks of templates is broken wherever it stands");
        let class = Some(ProblemClass::HelmTemplate);
        let listed = problems::list_problems(&db.read, id, class, PageQuery::default()).await.unwrap();
        assert_eq!((listed.count, listed.data[0].file_path.as_str()), (1, "web/templates/a.yaml"));
        assert_eq!((listed.data[0].since, listed.data[0].commit.clone()), (day(0), oid(100).to_string()));
        let stored = repositories::find_repository(&db.read, id).await.unwrap().unwrap().counts;
        assert_eq!((stored.problems, stored.helm_templates), (2, 1));
        let untouched = repositories::find_repository(&db.read, other).await.unwrap().unwrap().counts;
        assert_eq!((untouched.problems, untouched.helm_templates), (3, 0));
        scans::mark_helm_templates(&db.write, id, |_| false).await.unwrap();
        assert_eq!(figures().await, (3, 0), "the chart is gone, its templates are not");
    })
    .await;
}
