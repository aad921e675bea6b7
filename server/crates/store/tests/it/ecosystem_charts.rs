//! Charts of all repositories together, against what a person counts.

use entity::input::*;
use entity::view::{ChartMove, EcosystemCharts, EcosystemRange, NewChart, RecentUpgrade};
use store::db::Db;
use store::{ecosystem, scans};
use uuid::Uuid;

use crate::support::input::*;
use crate::support::{on_each_engine, time};

pub(crate) const NOW: &str = "2026-03-01T12:00:00Z";

/// Days before now at which a commit was made; below zero by a clock that is ahead.
pub(crate) type Ago = i64;

/// A history in which releases come, get other versions and go.
pub(crate) struct Home {
    name: &'static str,
    /// The commits, oldest first.
    line: Vec<Ago>,
    uses: UsesBatch,
}

impl Home {
    pub(crate) fn new(name: &'static str, line: &[Ago]) -> Self {
        Self { name, line: line.to_vec(), uses: UsesBatch::default() }
    }

    fn at(&self, ago: Ago) -> LinePoint {
        let sequence = self.line.iter().position(|one| *one == ago).unwrap();
        LinePoint { sequence: sequence as i64, time: (time(NOW) - chrono::TimeDelta::days(ago)).timestamp() }
    }

    /// What a release was from each of these commits on: `chart@version`, and empty once it is gone.
    pub(crate) fn release(mut self, states: &[(Ago, &str)]) -> Self {
        let number = self.name.bytes().fold(7_i64, |sum, byte| sum * 31 % 1_000_003 + i64::from(byte));
        let id = number * 100 + self.uses.releases.len() as i64;
        self.uses.releases.push(FoundRelease { id, first_sequence: self.at(states[0].0).sequence });
        for (place, (from, state)) in states.iter().enumerate().filter(|(_, (_, state))| !state.is_empty()) {
            let (chart, version) = state.split_once('@').unwrap();
            let chart_id = chart.bytes().fold(1_i64, |sum, byte| sum * 31 + i64::from(byte));
            let key = format!("charts.example/{chart}");
            self.uses.sources.push(FoundChartSource {
                id: chart_id,
                key: key.clone(),
                url: "https://charts.example".to_owned(),
                chart_id,
                chart_key: key,
                chart_name: chart.to_owned(),
            });
            let use_of = chart_use(id * 100 + place as i64, &format!("{id}.yaml"), chart);
            let facts = ChartUseFacts {
                chart_id: Some(chart_id),
                source_id: Some(chart_id),
                version: (!version.is_empty()).then(|| version.to_owned()),
                ..use_of.facts
            };
            let span = Span { from: self.at(*from), to: states.get(place + 1).map(|(to, _)| self.at(*to)) };
            self.uses.uses.push(FoundChartUse { id: use_of.id, release_id: id, facts, span });
        }
        self.uses.sources.sort_by_key(|source| source.id);
        self.uses.sources.dedup_by_key(|source| source.id);
        self
    }

    pub(crate) async fn store(mut self, db: &Db) -> Uuid {
        let id = add_repository(db, self.name).await;
        let commit = |(place, ago): (usize, &Ago)| UseCommit { id: oid(place as u8 + 1), at: self.at(*ago) };
        self.uses.commits = self.line.iter().enumerate().map(commit).collect();
        let last = self.line.len() - 1;
        let through = ScannedCommit { id: oid(last as u8 + 1), sequence: last as i64, committed_at: time(NOW) };
        let batch = Batch { through: Some(through), uses: self.uses, ..Batch::default() };
        let run = scans::begin_scan(&db.write, id, time(NOW)).await.unwrap();
        scans::apply_batch(&db.write, id, run, &batch, time(NOW)).await.unwrap();
        scans::finish_scan(&db.write, id, run, HeadFigures { yaml_files: 1 }, time(NOW)).await.unwrap();
        id
    }
}

async fn ask(db: &Db, range: EcosystemRange) -> EcosystemCharts {
    ecosystem::charts(&db.read, range, None, time(NOW)).await.unwrap()
}

fn moves(moves: &[ChartMove]) -> Vec<(&str, i64, i64)> {
    moves.iter().map(|one| (one.name.as_str(), one.now, one.before)).collect()
}

fn steps(upgrades: &[RecentUpgrade]) -> Vec<(&str, &str, &str, i64)> {
    upgrades.iter().map(|one| (&*one.chart_name, &*one.from, &*one.to, one.repositories)).collect()
}

#[tokio::test]
async fn nothing_is_told_of_nothing() {
    on_each_engine(async |db| {
        for range in EcosystemRange::ALL {
            let days = range.days().unwrap_or(90);
            assert_eq!(ask(&db, range).await, EcosystemCharts { days, ..EcosystemCharts::default() });
        }
    })
    .await;
}

#[tokio::test]
async fn a_repository_counts_the_charts_and_images_that_it_uses_now() {
    on_each_engine(async |db| {
        let mut home = Home::new("ada/one", &[200, 60, 20])
            .release(&[(200, "cilium@1"), (20, "cilium@2")])
            .release(&[(60, "cilium@1")])
            .release(&[(200, "nginx@1"), (20, "")])
            .release(&[(60, "grafana@1")]);
        // Where they come from is not known: each is one by its name.
        for (place, chart) in [(3, "nginx"), (4, "grafana")] {
            let facts = &mut home.uses.uses[place].facts;
            assert_eq!(facts.chart_name.as_deref(), Some(chart));
            (facts.chart_id, facts.source_id) = (None, None);
        }
        home.uses.images = vec![(1, "ghcr.io/a/app".to_owned()), (2, "ghcr.io/a/old".to_owned())];
        for (place, (image, to)) in [(1, None), (1, None), (2, Some(20))].into_iter().enumerate() {
            let span = Span { from: home.at(200), to: to.map(|to| home.at(to)) };
            let path = format!("spec.containers[{place}].image");
            home.uses.image_uses.push(FoundImageUse { span, ..image_use(place as i64, "web.yaml", &path, image) });
        }
        let id = home.store(&db).await;
        let counts = store::repositories::find_repository(&db.read, id).await.unwrap().unwrap().counts;
        assert_eq!((counts.charts, counts.images), (2, 1));
    })
    .await;
}

#[tokio::test]
async fn charts_rise_and_fall_by_the_repositories_that_use_them() {
    on_each_engine(async |db| {
        // Two releases of one repository are one user, and a new version is no new one.
        Home::new("ada/one", &[200, 60, 20])
            .release(&[(200, "cilium@1"), (20, "cilium@2")])
            .release(&[(60, "cilium@1")])
            .release(&[(200, "nginx@1"), (20, "")])
            .store(&db)
            .await;
        Home::new("bob/two", &[200, 20, 3])
            .release(&[(20, "cilium@2")])
            .release(&[(200, "nginx@1"), (3, "")])
            .release(&[(200, "grafana@1")])
            .store(&db)
            .await;
        Home::new("eve/three", &[3]).release(&[(3, "cilium@2")]).release(&[(3, "loki@1")]).store(&db).await;

        let month = ask(&db, EcosystemRange::Month).await;
        assert_eq!(moves(&month.rising), [("cilium", 3, 1), ("loki", 1, 0)]);
        assert_eq!(moves(&month.falling), [("nginx", 0, 2)]);
        assert_eq!((month.days, month.rising[0].change(), month.falling[0].change()), (30, 2, -2));
        let week = ask(&db, EcosystemRange::Week).await;
        assert_eq!(moves(&week.rising), [("cilium", 3, 2), ("loki", 1, 0)]);
        assert_eq!(moves(&week.falling), [("nginx", 0, 1)]);
        let year = ask(&db, EcosystemRange::Year).await;
        assert_eq!(moves(&year.rising), [("cilium", 3, 0), ("grafana", 1, 0), ("loki", 1, 0)]);
        assert_eq!(moves(&year.falling), []);
        let all = ask(&db, EcosystemRange::All).await;
        assert_eq!((all.days, &all.rising, &all.falling), (90, &month.rising, &month.falling));

        let popular: Vec<_> = week.popular.iter().map(|one| (one.name.as_str(), one.releases)).collect();
        assert_eq!(popular[0], ("cilium", 4));
        assert_eq!(popular.len(), 3, "what nobody has any more is not popular: {popular:?}");
        assert_eq!(week.popular[0].key, "charts.example/cilium");
    })
    .await;
}

#[tokio::test]
async fn a_chart_is_new_where_nobody_had_it_before_the_week() {
    on_each_engine(async |db| {
        Home::new("ada/one", &[100, 50, 5, 2, -4])
            // Long here, and long gone: others that come to it do not make it new.
            .release(&[(100, "grafana@1"), (50, "")])
            .release(&[(100, "cilium@1")])
            .release(&[(5, "loki@1"), (2, "loki@2")])
            // Came and went.
            .release(&[(5, "tempo@1"), (2, "")])
            // A clock that is ahead.
            .release(&[(-4, "mimir@1")])
            .store(&db)
            .await;
        Home::new("bob/two", &[6, 3])
            .release(&[(6, "grafana@2")])
            .release(&[(6, "cilium@1")])
            .release(&[(3, "loki@1")])
            .release(&[(3, "alloy@1")])
            .store(&db)
            .await;
        let new = ask(&db, EcosystemRange::Month).await.new;
        let told: Vec<_> = new.data.iter().map(|one: &NewChart| (one.name.as_str(), one.repositories)).collect();
        assert_eq!((told, new.count), (vec![("loki", 2), ("alloy", 1)], 2));
        assert_eq!(new.data[0].first_used_at, time("2026-02-24T12:00:00Z"));
    })
    .await;
}

#[tokio::test]
async fn equal_upgrades_of_the_week_are_one_row_with_who_made_them() {
    on_each_engine(async |db| {
        let mut last = Uuid::nil();
        for (place, name) in ["ada/a", "bob/b", "eve/c", "dan/d"].into_iter().enumerate() {
            let day = 5 - place as i64;
            last = Home::new(name, &[100, day]).release(&[(100, "cilium@1.9"), (day, "cilium@1.10")]).store(&db).await;
        }
        Home::new("fay/five", &[100, 30, 6, 4, 1, -2])
            // Up, and back within days: the way back is no upgrade.
            .release(&[(100, "loki@1.0"), (6, "loki@2.0"), (4, "loki@1.0")])
            // Two releases of one repository in one commit are one repository.
            .release(&[(100, "grafana@8"), (1, "grafana@9")])
            .release(&[(100, "grafana@8"), (1, "grafana@9")])
            // Another chart, no version, before the week, after today.
            .release(&[(100, "nginx@1"), (4, "traefik@2")])
            .release(&[(100, "tempo@"), (4, "tempo@2")])
            .release(&[(100, "mimir@1"), (30, "mimir@2")])
            .release(&[(100, "alloy@1"), (-2, "alloy@2")])
            // What came back with another version did not leave the one for the other.
            .release(&[(100, "nginx@1"), (6, "traefik@2"), (4, "nginx@3")])
            .store(&db)
            .await;
        let upgrades = ask(&db, EcosystemRange::Year).await.upgrades;
        let expected = [("grafana", "8", "9", 1), ("cilium", "1.9", "1.10", 4), ("loki", "1.0", "2.0", 1)];
        assert_eq!((steps(&upgrades.data), upgrades.count), (expected.to_vec(), 3));
        let back: Vec<i64> = upgrades.data.iter().map(|one| one.rolled_back).collect();
        assert_eq!(back, [0, 0, 1]);
        let cilium = &upgrades.data[1];
        let by: Vec<_> = cilium.by.iter().map(|one| one.repository.as_str()).collect();
        assert_eq!(by, ["dan/d", "eve/c", "bob/b"]);
        assert_eq!((cilium.by[0].repository_id, cilium.by[0].at), (last, cilium.at));
        assert_eq!(cilium.by[0].commit, oid(2).to_string());
        let link = format!("https://github.com/dan/d/commit/{}", oid(2));
        assert_eq!((cilium.at, cilium.by[0].web_url.as_deref()), (time("2026-02-27T12:00:00Z"), Some(link.as_str())));
    })
    .await;
}

#[tokio::test]
async fn the_newest_are_told_of_many_and_all_are_counted() {
    on_each_engine(async |db| {
        let charts: Vec<[String; 2]> = (0..25).map(|n| [format!("c{n}@1"), format!("c{n}@2")]).collect();
        let mut home = Home::new("ada/one", &[6, 2]);
        for [before, after] in &charts {
            home = home.release(&[(6, before), (2, after)]);
        }
        home.store(&db).await;
        let told = ask(&db, EcosystemRange::Month).await;
        assert_eq!((told.rising.len(), told.falling.len(), told.popular.len()), (8, 0, 12));
        assert_eq!((told.new.data.len(), told.new.count), (20, 25));
        assert_eq!((told.upgrades.data.len(), told.upgrades.count), (20, 25));
    })
    .await;
}

#[tokio::test]
async fn the_past_is_told_as_it_was_then() {
    on_each_engine(async |db| {
        Home::new("ada/one", &[200, 60, 20, 6, 4])
            .release(&[(200, "cilium@1"), (20, "cilium@2")])
            .release(&[(60, "cilium@1")])
            .release(&[(200, "nginx@1"), (20, "")])
            // Rolled back, which nobody knew the day after.
            .release(&[(200, "loki@1"), (6, "loki@2"), (4, "loki@1")])
            .store(&db)
            .await;
        Home::new("bob/two", &[200, 20, 6, 3])
            .release(&[(20, "cilium@2")])
            .release(&[(200, "nginx@1"), (3, "")])
            .release(&[(6, "tempo@1"), (3, "")])
            .store(&db)
            .await;
        let ago = async |days| {
            let at = time(NOW) - chrono::TimeDelta::days(days);
            ecosystem::charts(&db.read, EcosystemRange::Month, Some(at), time(NOW)).await.unwrap()
        };
        let ten = ago(10).await;
        assert_eq!(moves(&ten.rising), [("cilium", 2, 1)]);
        assert_eq!(moves(&ten.falling), [("nginx", 1, 2)]);
        let popular: Vec<_> = ten.popular.iter().map(|one| (one.name.as_str(), one.releases)).collect();
        assert_eq!(popular, [("cilium", 3), ("loki", 1), ("nginx", 1)]);
        assert_eq!((ten.new.count, ten.upgrades.count), (0, 0));

        let five = ago(5).await;
        assert_eq!(steps(&five.upgrades.data), [("loki", "1", "2", 1)]);
        assert_eq!(five.upgrades.data[0].rolled_back, 0);
        let new: Vec<_> = five.new.data.iter().map(|one| (one.name.as_str(), one.repositories)).collect();
        assert_eq!(new, [("tempo", 1)]);
        let eighteen = ago(18).await;
        assert_eq!(steps(&eighteen.upgrades.data), [("cilium", "1", "2", 1)]);
        let now = ask(&db, EcosystemRange::Month).await;
        assert_eq!(ago(0).await, now);
        assert_eq!((now.upgrades.data[0].rolled_back, now.new.count), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn a_version_that_all_left_lately_is_told_with_how_few_stayed() {
    on_each_engine(async |db| {
        for name in ["ada/a", "bob/b", "eve/c", "dan/d", "fay/e"] {
            // All went back from 2.0 within days; what they left long ago is no news.
            Home::new(name, &[400, 200, 20, 18])
                .release(&[(400, "cilium@1.0"), (200, "cilium@1.1"), (20, "cilium@2.0"), (18, "cilium@1.1")])
                .store(&db)
                .await;
        }
        let (chart, _) = store::charts::chart_by_key(&db.read, "charts.example/cilium").await.unwrap().unwrap();
        let told = store::charts::find_chart(&db.read, chart, None, time(NOW)).await.unwrap().unwrap().versions;
        let told: Vec<_> = told.iter().map(|one| (one.version.as_str(), one.releases, one.ever, one.stayed)).collect();
        assert_eq!(told, [("2.0", 0, 5, Some(0.0)), ("1.1", 5, 5, Some(1.0))]);
    })
    .await;
}

#[tokio::test]
async fn an_upgrade_that_very_many_made_is_told_of_each() {
    on_each_engine(async |db| {
        // More than one question asks for at once.
        let names: Vec<&'static str> = (0..120).map(|n| &*format!("home/n{n:03}").leak()).collect();
        for name in names.iter().copied() {
            Home::new(name, &[100, 5]).release(&[(100, "cilium@1.0"), (5, "cilium@1.1")]).store(&db).await;
        }
        let (chart, _) = store::charts::chart_by_text(&db.read, "Cilium", None).await.unwrap().unwrap();
        let page = entity::view::PageQuery { skip: 0, limit: 1000 };
        let told = store::charts::list_upgrades(&db.read, chart, (None, None), None, page).await.unwrap();
        let mut repositories: Vec<&str> = told.upgrades.iter().map(|one| one.repository.as_str()).collect();
        repositories.sort_unstable();
        assert_eq!((told.count, told.looked_at), (120, 120));
        assert_eq!(repositories, names);
        assert!(told.upgrades.iter().all(|one| one.commit == oid(2).to_string()));
    })
    .await;
}

#[tokio::test]
async fn a_chart_is_meant_by_its_name_among_however_many_that_hold_it() {
    on_each_engine(async |db| {
        let charts: Vec<String> = (0..250).map(|n| format!("a{n:03}-web-op@1")).collect();
        let mut home = Home::new("ada/one", &[9]);
        for chart in &charts {
            home = home.release(&[(9, chart)]);
        }
        home.release(&[(9, "web@1")]).store(&db).await;
        Home::new("bob/two", &[9]).release(&[(9, "a111-web-op@1")]).store(&db).await;
        let meant = async |text: &str| {
            let found = store::charts::chart_by_text(&db.read, text, None).await.unwrap();
            found.map(|(_, key)| key)
        };
        assert_eq!(meant("WEB").await.as_deref(), Some("charts.example/web"));
        assert_eq!(meant("example/web").await.as_deref(), Some("charts.example/web"));
        assert_eq!(meant("web-op").await.as_deref(), Some("charts.example/a111-web-op"));
        assert_eq!(meant("_web").await, None);
        let past = Some(time(NOW) - chrono::TimeDelta::days(100));
        let nobody = store::charts::chart_by_text(&db.read, "web-op", past).await.unwrap();
        assert_eq!(nobody.map(|(_, key)| key).as_deref(), Some("charts.example/a000-web-op"));
    })
    .await;
}
