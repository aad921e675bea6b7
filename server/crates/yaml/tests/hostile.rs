//! Files that are broken, odd or made to hurt: each gives an answer within its budget, never a crash.

use std::fmt::Write;
use std::time::{Duration, Instant};

use entity::kind::ProblemClass;
use yaml::{Document, Limits, Node, Tag, YamlError, parse};

fn documents(text: impl AsRef<[u8]>) -> Vec<Document> {
    parse(text.as_ref(), &Limits::default()).expect("this is YAML")
}

fn error(text: impl AsRef<[u8]>) -> YamlError {
    parse(text.as_ref(), &Limits::default()).expect_err("this is not YAML, or too much")
}

fn text_at(text: impl AsRef<[u8]>, path: &[&str]) -> Option<String> {
    documents(text)[0].root().at(path).and_then(Node::text).map(str::to_owned)
}

#[test]
fn an_alias_bomb_is_refused_before_anything_walks_it() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let item = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", vec![item; 10].join(", ")).expect("a string");
    }
    let start = Instant::now();
    let error = error(bomb);
    assert_eq!(error.class, ProblemClass::Size);
    assert_eq!(error.line, Some(7));
    // Who walks it does so for longer than there are machines.
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[test]
fn aliases_that_nest_count_as_depth() {
    let mut text = String::from("a0: &a0 {x: 1}\n");
    for level in 1..100 {
        writeln!(text, "a{level}: &a{level} {{x: {{x: {{x: {{x: *a{}}}}}}}}}", level - 1).expect("a string");
    }
    assert_eq!(error(text).class, ProblemClass::Depth);
}

#[test]
fn an_alias_within_its_own_anchor_ends_there() {
    let found = documents("&a [1, &b {self: *b, up: *a}]");
    let root = found[0].root();
    let item = root.items().nth(1).expect("two items");
    assert_eq!(item.get("self").map(Node::tag), Some(Tag::Cycle));
    assert_eq!(item.get("up").map(Node::tag), Some(Tag::Cycle));
    assert_eq!(root.to_json().to_string(), r#"[1,{"self":null,"up":null}]"#);
    assert_eq!(root.digest(), documents("&x [1, &y {up: *x, self: *y}]")[0].root().digest());
}

#[test]
fn deep_nesting_is_refused_in_every_style() {
    assert_eq!(error("[".repeat(100_000)).class, ProblemClass::Depth);
    assert_eq!(error("{a: ".repeat(100_000)).class, ProblemClass::Depth);
    assert_eq!(error("- ".repeat(100_000)).class, ProblemClass::Depth);
    assert_eq!(error("? ".repeat(100_000)).class, ProblemClass::Depth);
    let mut steps = String::new();
    for level in 0..1000 {
        writeln!(steps, "{}a:", " ".repeat(level)).expect("a string");
    }
    assert_eq!(error(steps).class, ProblemClass::Depth);
    assert!(parse(format!("{}1{}", "[".repeat(200), "]".repeat(200)).as_bytes(), &Limits::default()).is_ok());
}

#[test]
fn wide_files_are_read_up_to_the_limit_of_nodes() {
    let limits = Limits { nodes: 1000, ..Limits::default() };
    let wide = |items: usize| "- a\n".repeat(items);
    assert_eq!(parse(wide(999).as_bytes(), &limits).expect("within the limit")[0].root().items().len(), 999);
    assert_eq!(parse(wide(1000).as_bytes(), &limits).expect_err("beyond").class, ProblemClass::Size);
}

#[test]
fn a_file_of_50_megabytes_is_refused_by_its_size_and_read_where_allowed() {
    let text = "key: value of a key\n".repeat(50 << 20 >> 4);
    let start = Instant::now();
    let refused = error(&text);
    assert_eq!((refused.class, refused.line), (ProblemClass::Size, None));
    let refusing = start.elapsed();
    let limits = Limits { bytes: 1 << 30, nodes: 100_000_000, expanded_nodes: 100_000_000, ..Limits::default() };
    let start = Instant::now();
    let found = parse(text.as_bytes(), &limits).expect("one long mapping");
    let reading = start.elapsed();
    assert!(refusing < reading / 4, "{refusing:?} to refuse what is read in {reading:?}");
    assert_eq!(found[0].duplicate_keys.len(), 100, "the list of duplicates is bounded");
}

#[test]
fn long_lines_cost_no_more_than_short_ones() {
    let start = Instant::now();
    let long = "x".repeat(8 << 20);
    assert_eq!(text_at(format!("a: {long}"), &["a"]).map(|text| text.len()), Some(long.len()));
    assert_eq!(text_at(format!("a: \"{long}\""), &["a"]).map(|text| text.len()), Some(long.len()));
    let flow = format!("[{}]", "é, ".repeat(200_000));
    assert_eq!(documents(flow)[0].root().items().len(), 200_000);
    let pairs = format!("{{{}}}", "\"é\": x, ".repeat(200_000));
    assert_eq!(documents(pairs)[0].root().entries().len(), 200_000);
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[test]
fn a_simple_key_reaches_no_further_than_1024_characters() {
    assert!(parse(format!("{}: 1", "é".repeat(1024)).as_bytes(), &Limits::default()).is_ok());
    assert_eq!(error(format!("{}: 1", "é".repeat(1025))).class, ProblemClass::Syntax);
}

#[test]
fn byte_order_marks_and_utf_16_are_honoured() {
    let text = "a: grün\n";
    let expected = Some("grün".to_owned());
    assert_eq!(text_at(format!("\u{feff}{text}"), &["a"]), expected);
    let little: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(text_at(&little, &["a"]), expected);
    let big: Vec<u8> = [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    assert_eq!(text_at(&big, &["a"]), expected);
    assert_eq!(error(&little[..little.len() - 1]).class, ProblemClass::Encoding);
}

#[test]
fn what_is_no_text_is_a_problem_of_encoding_with_its_line() {
    for bytes in [
        &b"a: 1\nb: \xff\n"[..],
        b"a: 1\nb: \x00\n",
        b"a: 1\nb: \x7f\n",
        b"a: 1\nb: \xc2\x9f\n",
        b"a\nb: \xef\xbf\xbf\n",
    ] {
        let error = error(bytes);
        assert_eq!((error.class, error.line, error.column), (ProblemClass::Encoding, Some(2), Some(4)), "{bytes:?}");
    }
    assert_eq!(error(b"PK\x03\x04\x14").class, ProblemClass::Encoding);
}

#[test]
fn templates_tabs_and_unknown_aliases_have_their_own_class() {
    let template = error("{{- if .Values.enabled }}\nkind: Service\n{{- end }}\n");
    assert_eq!((template.class, template.line), (ProblemClass::Template, Some(1)));
    assert_eq!(template.message, "while parsing a flow node: did not find expected node content");
    let tab = error("a: b\n\tc: d\n");
    assert_eq!((tab.class, tab.line), (ProblemClass::Tab, Some(2)));
    let alias = error("a: 1\nb: *nowhere\n");
    assert_eq!((alias.class, alias.line), (ProblemClass::Anchor, Some(2)));
    let anchors_end_with_their_document = error("a: &a 1\n---\nb: *a\n");
    assert_eq!(anchors_end_with_their_document.line, Some(3));
    assert_eq!(error("a: b: c").class, ProblemClass::Syntax);
}

#[test]
fn duplicate_keys_are_reported_and_the_last_one_counts() {
    let found = documents("kind: A\nkind: B\nspec: {x: 1, x: 2, <<: {y: 1}, <<: {y: 2}}\n");
    assert_eq!(found[0].root().get("kind").and_then(Node::text), Some("B"));
    assert_eq!(found[0].duplicate_keys, [(2, "kind".to_owned()), (3, "x".to_owned())]);
    assert_eq!(found[0].root().to_json().to_string(), r#"{"kind":"B","spec":{"x":2,"y":2}}"#);
}

#[test]
fn redefined_anchors_are_legal_and_the_last_one_counts() {
    let found = documents("a: &x 1\nb: &x two\nc: *x\n");
    assert!(found[0].redefined_anchors);
    assert_eq!(found[0].root().get("c").and_then(Node::text), Some("two"));
}

#[test]
fn merge_keys_fill_in_what_is_not_said() {
    let text = "base: &base {kind: A, name: base}\nother: &other {kind: B, extra: 1}\nx:\n  <<: [*base, *other]\n  name: own\n";
    let found = documents(text);
    let get = |key| found[0].root().at(&["x", key]).and_then(Node::text);
    assert_eq!((get("name"), get("kind")), (Some("own"), Some("A")));
    let json = found[0].root().get("x").map(Node::to_json).unwrap_or_default();
    assert_eq!(json, serde_json::json!({"name": "own", "kind": "A", "extra": 1}));
}

#[test]
fn names_that_are_no_strings_are_no_names() {
    for name in ["123", "true", "~", "1.5", "2001-01-01", "{{ name }}", "''", "", "[a]", "!!int '1'"] {
        assert_eq!(text_at(format!("name: {name}\n"), &["name"]), None, "{name}");
    }
    for name in ["'123'", "!!str 123", "1.2.3", "a", "${APP}", "y", "! a"] {
        assert!(text_at(format!("name: {name}\n"), &["name"]).is_some(), "{name}");
    }
}

#[test]
fn unknown_tags_are_plain_values() {
    let found = documents("a: !secret password\nb: !include {file: x}\nc: !!python/name:os.system\n");
    let root = found[0].root();
    assert_eq!(root.get("a").and_then(Node::scalar), Some("password"));
    assert_eq!(root.get("a").and_then(Node::tag_uri), Some("!secret"));
    assert_eq!(root.at(&["b", "file"]).and_then(Node::text), Some("x"));
}

#[test]
fn empty_documents_are_documents_and_empty_files_are_none() {
    let nulls = |text: &str| documents(text).iter().map(|document| document.root().is_null()).collect::<Vec<_>>();
    assert!(nulls("").is_empty());
    assert!(nulls("# only a comment\n").is_empty());
    assert_eq!(nulls("---\n"), [true]);
    assert_eq!(nulls("---\na: 1\n---\n# nothing\n---\nb: 1\n...\n"), [false, true, false]);
}

#[test]
fn documents_know_their_lines() {
    let found = documents("# first\na: 1\n\n---\n# second\nb:\n  - 1\n  - |\n    x\n\n--- # third\nc: 1");
    let lines: Vec<_> = found.iter().map(|document| (document.line_start, document.line_end)).collect();
    assert_eq!(lines, [(1, 2), (5, 9), (12, 12)]);
}

#[test]
fn digests_see_content_and_not_how_it_is_written() {
    let digest = |text: &str| documents(text)[0].root().digest();
    let block = "a: 1\nb:\n  - x\n  - 'z'\nc: \"yes\"\n";
    assert_eq!(digest(block), digest("{c: 'yes', b: [x, z], a: !!int '1'} # flow"));
    for other in ["a: '1'", "a: 2", "a: 1\nb: 1", "b: 1", "[a, 1]", "a: 1\na: 2", "a: !x 1", "a: {1: 1}"] {
        assert_ne!(digest("a: 1"), digest(other), "{other}");
    }
    assert_ne!(digest("[a, b]"), digest("[b, a]"));
    assert_eq!(digest("x: &a {k: v}\ny: *a"), digest("y: {k: v}\nx: {k: v}"));
}

#[test]
fn scalars_become_json_as_kubernetes_reads_them() {
    let text = "[yes, off, 0x1F, 010, 0b11, 1_000, -7, 1.5, .inf, 12:30:45, ~, 2001-01-01, '1', 1e3, 18446744073709551615, 99999999999999999999]";
    let expected =
        r#"[true,false,31,8,3,1000,-7,1.5,".inf","12:30:45",null,"2001-01-01","1",1000,1.8446744073709552e+19,1e+20]"#;
    assert_eq!(documents(text)[0].root().to_json().to_string(), expected);
}

#[test]
fn of_two_merge_keys_the_later_one_wins_and_of_a_list_the_first() {
    let text = "team: &team {namespace: tools, name: team}\nsite: &site {name: site}\ntwo: {<<: *team, <<: *site}\n\
                list: {<<: [*team, *site]}\nboth:\n  <<: [*team]\n  <<: [*site, *team]\nown: {name: own, <<: *team}\n\
                nested: &n {<<: *team, name: nested}\nouter: {<<: *n}\nodd: {<<: [5, *site, [*team], *team]}\n";
    let found = documents(text);
    let name = |key: &str| found[0].root().at(&[key, "name"]).and_then(Node::text);
    let expected =
        [("two", "site"), ("list", "team"), ("both", "site"), ("own", "own"), ("outer", "nested"), ("odd", "site")];
    for (key, expected) in expected {
        assert_eq!(name(key), Some(expected), "{key}");
        let json = found[0].root().get(key).map(Node::to_json).unwrap_or_default();
        assert_eq!((json["name"].as_str(), json["namespace"].as_str()), (Some(expected), Some("tools")), "{key}");
    }
}

#[test]
fn digests_of_large_mappings_know_keys_that_stand_twice() {
    let digest = |text: &str| documents(text)[0].root().digest();
    let many: String = (0..40).map(|number| format!("k{number}: {number}\n")).collect();
    assert_eq!(digest(&format!("{many}k7: 8\n")), digest(&many.replace("k7: 7\n", "k7: 8\n")));
    assert_ne!(digest(&format!("{many}k7: 8\n")), digest(&many));
}

#[test]
fn json_writes_characters_as_two_halves_and_yaml_does_not() {
    let good =
        documents("{\"a\": \"\\ud83d\\ude00!\", \"b\": \"x\\ud83dy\", \"c\": \"\\ude00\\u00e4\\ud83d\\u0041\"}\n");
    let text = |key| good[0].root().get(key).and_then(Node::text);
    assert_eq!((text("a"), text("b")), (Some("\u{1f600}!"), Some("x\u{fffd}y")));
    assert_eq!(text("c"), Some("\u{fffd}\u{e4}\u{fffd}A"));
    for yaml in ["a: \"\\ud83d\\ude00\"\n", "{a: \"\\ud83d\\ude00\"}\n", "# remark\n{\"a\": \"\\ud83d\\ude00\"}\n"] {
        assert_eq!(error(yaml).class, ProblemClass::Syntax, "{yaml}");
    }
}

#[test]
fn a_byte_order_mark_is_passed_at_the_start_and_counts_as_a_character_behind_it() {
    let names = |text: &str| -> Vec<String> {
        let name = |document: &Document| document.root().get("a").and_then(Node::text).unwrap_or_default().to_owned();
        documents(text).iter().map(name).collect()
    };
    assert_eq!(names("\u{feff}a: x\n---\n\u{feff}a: z\n"), ["x", "z"]);
    assert_eq!(error("a: x\n---\n\u{feff}a: z\nb: z\n").class, ProblemClass::Syntax);
    assert_eq!(error("a: x\n\u{feff}---\na: z\n").class, ProblemClass::Syntax);
    assert_eq!(error("a: x\n---\n\u{feff}---\na: z\n").class, ProblemClass::Syntax);
}
