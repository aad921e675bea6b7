//! Which fields are told to differ.

use scan::diff::{MAX_CHANGES, MAX_VALUE, diff};
use yaml::{Limits, parse};

fn changes(old: &str, new: &str) -> (Vec<String>, i64) {
    let (old, new) = (parse(old.as_bytes(), &Limits::default()), parse(new.as_bytes(), &Limits::default()));
    let (old, new) = (old.expect("the old text"), new.expect("the new text"));
    let found = diff(old[0].root(), new[0].root());
    let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
    let told =
        |change: &entity::view::FieldChange| format!("{}: {} > {}", change.path, side(&change.old), side(&change.new));
    (found.kept.iter().map(told).collect(), found.total)
}

fn told(old: &str, new: &str) -> Vec<String> {
    changes(old, new).0
}

#[test]
fn scalars_are_told_with_both_values() {
    assert_eq!(told("a: {b: 1, c: x}", "a: {c: y, b: 1}"), ["a.c: x > y"]);
    assert_eq!(told("a: 1", "a: '1'"), ["a: 1 > \"1\""]);
    assert_eq!(told("a: ", "a: b"), ["a: null > b"]);
    assert_eq!(told("a: 12e3", "a: '12e3'"), ["a: 12e3 > \"12e3\""]);
}

#[test]
fn what_is_added_or_removed_is_told_by_its_scalars() {
    assert_eq!(told("a: 1", "a: 1\nb: {c: 2, d: [3], e: {}}"), ["b.c: - > 2", "b.d[0]: - > 3", "b.e: - > {}"]);
    assert_eq!(told("a: {b: 1}", "a: text"), ["a.b: 1 > -", "a: - > text"]);
}

#[test]
fn keys_with_dots_or_odd_characters_are_quoted() {
    assert_eq!(
        told(
            "labels: {app.kubernetes.io/name: a, 'say \"hi\"': b}",
            "labels: {app.kubernetes.io/name: c, 'say \"hi\"': d}"
        ),
        ["labels.\"app.kubernetes.io/name\": a > c", "labels.\"say \\\"hi\\\"\": b > d"]
    );
}

#[test]
fn items_with_names_are_matched_by_name() {
    let old = "containers:\n- {name: app, image: app:1}\n- {name: log, image: log:1}\n";
    let new = "containers:\n- {name: new, image: new:1}\n- {name: app, image: app:2}\n- {name: log, image: log:1}\n";
    assert_eq!(
        told(old, new),
        [
            "containers[name=new].name: - > new",
            "containers[name=new].image: - > new:1",
            "containers[name=app].image: app:1 > app:2",
        ]
    );
    let turned = "containers:\n- {name: log, image: log:1}\n- {name: app, image: app:1}\n";
    assert_eq!(told(old, turned), ["containers: app, log > log, app"]);
}

#[test]
fn an_insertion_into_a_plain_list_is_one_change() {
    assert_eq!(told("a: [x, y, z]", "a: [new, x, y, z]"), ["a[0]: - > new"]);
    assert_eq!(told("a: [x, y, z]", "a: [x, z]"), ["a[1]: y > -"]);
    assert_eq!(told("a: [x, y, z]", "a: [x, w, z]"), ["a[1]: y > w"]);
}

#[test]
fn names_that_stand_twice_are_matched_by_place() {
    let ports = |port: u16| format!("ports:\n- {{name: a, port: 1}}\n- {{name: a, port: {port}}}\n");
    assert_eq!(told(&ports(2), &ports(3)), ["ports[1].port: 2 > 3"]);
}

#[test]
fn many_changes_are_counted_and_long_values_are_cut() {
    let text = |value: &str| (0..1000).map(|number| format!("key{number}: {value}\n")).collect::<String>();
    let (told, total) = changes(&text("a"), &text("b"));
    assert_eq!((told.len(), total), (MAX_CHANGES, 1000));
    let long = format!("a: {}", "é".repeat(10_000));
    let (told, _) = changes("a: b", &long);
    assert_eq!(told[0].chars().filter(|c| *c == 'é').count(), MAX_VALUE);
}

#[test]
fn what_merge_keys_add_is_told_where_it_ends_up() {
    assert_eq!(told("a: &a {x: 1}\nb: {<<: *a}", "a: &a {x: 2}\nb: {<<: *a}"), ["a.x: 1 > 2", "b.x: 1 > 2"]);
    assert_eq!(told("a: {<<: {x: 1}, x: 2}", "a: {<<: {x: 1}}"), ["a.x: 2 > 1"]);
    assert_eq!(told("a: {<<: 1}", "a: {<<: 2}"), ["a.\"<<\": 1 > 2"]);
    assert!(told("a: 1\na: 3", "a: 2\na: 3").is_empty(), "of a key that stands twice the last one counts");
}

#[test]
fn another_spelling_of_the_same_object_is_no_difference() {
    for (old, new) in [
        ("a: yes", "a: true"),
        ("a: OFF", "a: false"),
        ("a: ~", "a:"),
        ("a: 0644", "a: 420"),
        ("a: 0o644", "a: 0644"),
        ("a: 1_000", "a: 1e3"),
        ("a: 1.0", "a: 1"),
        ("a: 1.50", "a: 1.5"),
        ("a: 2024-03-01", "a: '2024-03-01'"),
        ("a: \"x\\u0041\"", "a: xA"),
        ("a: !mine x", "a: x"),
        ("1: a", "'1': a"),
        ("x: &x {k: v}\ny: *x", "x: {k: v}\ny: {k: v}"),
        ("a: {<<: {x: 1}, y: 2}", "a: {y: 2, x: 1}"),
        ("a: {<<: [{x: 1}, {x: 2, z: 3}]}", "a: {x: 1, z: 3}"),
        ("a: {<<: {x: 1}, <<: {x: 2}}", "a: {x: 2}"),
        ("a: {x: 0, x: 1}", "a: {x: 1}"),
        ("a: [0x10, on]", "a:\n- 16\n- true # remark"),
    ] {
        assert!(told(old, new).is_empty(), "{old:?} became {new:?}: {:?}", told(old, new));
    }
    let other =
        ["a: 12e3|a: '12e3'", "a: yes|a: 'yes'", "a: 0644|a: 644", "a: 1.1|a: 1.2", "a: ~|a: ''", "a: {}|a: []"];
    for pair in other {
        let (old, new) = pair.split_once('|').expect("two texts");
        assert_eq!(told(old, new).len(), if old.ends_with('}') { 2 } else { 1 }, "{pair}");
    }
}

#[test]
fn texts_that_multiply_by_aliases_are_compared_within_bounds() {
    let text = |leaf: &str| {
        let mut text = format!("a0: &a0 {{x: {leaf}}}\n");
        for level in 1..18 {
            let alias = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} {{x: {alias}, y: {alias}}}\n");
        }
        text
    };
    let (told, total) = changes(&text("old"), &text("new"));
    assert_eq!(told.len(), MAX_CHANGES);
    assert!(total > 1000);
}
