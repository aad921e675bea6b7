//! Plain scalars resolve as PyYAML resolves them. The fixture has PyYAML's answers, one text to a line.

use yaml::resolve_plain;

#[test]
fn plain_scalars_resolve_as_in_yaml_1_1() {
    let fixture = std::env::var("KUBESTATS_SCALARS").map_or_else(
        |_| include_str!("fixtures/yaml_1_1_scalars.tsv").to_owned(),
        |path| std::fs::read_to_string(path).expect("the named table"),
    );
    let mut wrong = Vec::new();
    for line in fixture.lines() {
        let (expected, text) = line.split_once('\t').expect("tag, tab, JSON text");
        let text: String = serde_json::from_str(text).expect("a JSON text");
        let found = format!("{:?}", resolve_plain(&text)).to_lowercase();
        if found != expected {
            wrong.push(format!("{text:?}: {found}, PyYAML says {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), fixture.lines().count(), wrong.join("\n"));
}
