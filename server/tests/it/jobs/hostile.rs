//! Repositories with hostile content: each a clear state, nothing else disturbed.

use entity::{kind::ProblemClass, view::PageQuery};
use store::problems;
use uuid::Uuid;

use super::repository::{Bench, Origins};
use crate::support::on_each_engine;

const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\ndata: {key: value}\n";

async fn classes(bench: &Bench, repository: Uuid) -> Vec<(String, ProblemClass)> {
    let page = PageQuery { skip: 0, limit: 1_000 };
    let found = problems::list_problems(&bench.deps.db.read, repository, None, page).await.unwrap();
    let mut classes: Vec<_> = found.data.into_iter().map(|problem| (problem.file_path, problem.class)).collect();
    classes.sort();
    classes
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_problems_and_hide_nothing_else() {
    on_each_engine(async |app| {
        let origin = Origins::new();
        let bomb: String = (0..20)
            .map(|level| match level {
                0 => "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(),
                level => format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", ")),
            })
            .collect();
        let deep = "[".repeat(50_000);
        let wide = format!("a: [{}]\n", "1,".repeat(1_500_000));
        let huge = format!("a: {}\n", "x".repeat(50 << 20));
        let template = "a: {{ .Values.x }}\nb: [{{ range }}\n";
        origin.commit(
            "all of it",
            &[
                ("good.yaml", Some(GOOD)),
                ("bomb.yaml", Some(&bomb)),
                ("deep.yaml", Some(&deep)),
                ("wide.yaml", Some(&wide)),
                ("huge.yaml", Some(&huge)),
                ("template.yaml", Some(template)),
                ("tab.yaml", Some("a:\n\tb: 1\n")),
                ("anchor.yaml", Some("a: *nowhere\n")),
                ("twice.yaml", Some("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\ndata: {a: 1, a: 2}\n")),
                (
                    "long-name.yaml",
                    Some(&format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {}}}\n", "x".repeat(4_000))),
                ),
            ],
        );
        std::fs::write(origin.path().join("bytes.yaml"), b"a: \xff\xfe\n").unwrap();
        std::fs::write(origin.path().join("utf16.yaml"), utf16(GOOD)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", origin.path().join("link.yaml")).unwrap();
        origin.commit("bytes and a link", &[]);

        let bench = Bench::new(&app.state.db);
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        let expected = [
            ("anchor.yaml", ProblemClass::Anchor),
            ("bomb.yaml", ProblemClass::Size),
            ("bytes.yaml", ProblemClass::Encoding),
            ("deep.yaml", ProblemClass::Depth),
            ("huge.yaml", ProblemClass::Size),
            ("long-name.yaml", ProblemClass::Name),
            ("tab.yaml", ProblemClass::Syntax),
            ("template.yaml", ProblemClass::Template),
            ("twice.yaml", ProblemClass::DuplicateKey),
            ("wide.yaml", ProblemClass::Size),
        ];
        let expected: Vec<_> = expected.map(|(path, class)| (path.to_owned(), class)).into();
        assert_eq!(classes(&bench, repository).await, expected);
        let counts = bench.repository(repository).await.counts;
        // good.yaml, utf16.yaml and twice.yaml; the link is not followed.
        assert_eq!((counts.active_resources, counts.problems, counts.yaml_files), (3, 10, 12));

        origin.commit("mend", &[("tab.yaml", Some("a: 1\n")), ("bomb.yaml", None)]);
        bench.bring_up_to_date(repository).await;
        assert_eq!(bench.repository(repository).await.counts.problems, 8);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_content_is_elsewhere_is_a_problem_and_deletes_nothing() {
    on_each_engine(async |app| {
        let origin = Origins::new();
        origin.commit("manifests", &[("good.yaml", Some(GOOD)), ("other.yaml", Some("a: 1\n"))]);
        let bench = Bench::new(&app.state.db);
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00ff\nsize 99\n";
        origin.commit("large files", &[("good.yaml", Some(pointer)), ("other.yaml", Some("\0GITCRYPT\0\u{1}"))]);
        bench.bring_up_to_date(repository).await;
        let expected = ["good.yaml", "other.yaml"].map(|path| (path.to_owned(), ProblemClass::Elsewhere));
        assert_eq!(classes(&bench, repository).await, expected);
        assert_eq!(bench.repository(repository).await.counts.active_resources, 1);
        let events = async || {
            let rows = bench.rows().await;
            rows.iter().filter(|row| row.contains("DELETED") || row.contains("MODIFIED")).count()
        };
        assert_eq!(events().await, 0);
        origin.commit("back", &[("good.yaml", Some(&GOOD.replace("value", "other")))]);
        bench.bring_up_to_date(repository).await;
        assert_eq!(classes(&bench, repository).await.len(), 1);
        assert_eq!(events().await, 1);
        origin.commit("gone", &[("good.yaml", None)]);
        bench.bring_up_to_date(repository).await;
        assert_eq!(bench.repository(repository).await.counts.active_resources, 0);
    })
    .await;
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_cannot_be_kept_are_problems_until_they_are_gone() {
    on_each_engine(async |app| {
        let origin = Origins::new();
        origin.commit("good", &[("good.yaml", Some(GOOD))]);
        let blob = origin.git(&["rev-parse", "HEAD:good.yaml"]);
        let entries = format!("100644 blob {}\tgood.yaml\n100644 blob {}\tbad\u{e9}.yaml\n", blob.trim(), blob.trim());
        // The second of the letter's two bytes alone is no UTF-8.
        let bytes: Vec<u8> = entries.bytes().filter(|byte| *byte != 0xc3).collect();
        let tree = origin.mktree(&bytes);
        let commit = origin.git(&["commit-tree", &tree, "-p", "HEAD", "-m", "a name in Latin 1"]);
        origin.git(&["update-ref", "refs/heads/main", commit.trim()]);

        let bench = Bench::new(&app.state.db);
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        let found = classes(&bench, repository).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0], ("bad\\xA9.yaml".to_owned(), ProblemClass::Path));
        assert_eq!(bench.repository(repository).await.counts.active_resources, 1);

        origin.git(&["reset", "--quiet", "--hard", "HEAD"]);
        origin.git(&["update-ref", "refs/heads/main", "HEAD~1"]);
        bench.bring_up_to_date(repository).await;
        assert_eq!(classes(&bench, repository).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_stored_nowhere() {
    on_each_engine(async |app| {
        let secret = |value: &str| {
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  password: {value} # was {value}\n"
            )
        };
        let origin = Origins::new();
        origin.commit("add", &[("s.yaml", Some(&secret("hunter-one")))]);
        origin.commit("change", &[("s.yaml", Some(&secret("hunter-two")))]);
        let bench = Bench::new(&app.state.db);
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        let rows = bench.rows().await;
        assert!(rows.iter().any(|row| row.contains("stringData.password")), "{rows:#?}");
        assert!(!rows.iter().any(|row| row.contains("hunter")), "{rows:#?}");
        let filter = entity::view::ResourceFilter { with_data: true, ..Default::default() };
        let listed = store::resources::list_resources(&bench.deps.db.read, &filter).await.unwrap();
        let text = store::resources::find_current_text(&bench.deps.db.read, listed.data[0].id).await.unwrap().unwrap();
        assert!(text.text.contains("password") && !text.text.contains("hunter"), "{}", text.text);
    })
    .await;
}
