//! The Kubestats v1 API: its description is a subset of ours for every path that is served here, and so are answers (`answers`).

mod answers;
mod asking;
mod held;
mod operations;

use std::{collections::BTreeSet, path::PathBuf};

use entity::kind::{Needs, Permission};
use serde_json::{Value, json};
use server::config::reposentry::KEYS;
use server::web::api::{needs, openapi};

/// Operations of the v1 API that are not served, each with the reason (decision 5).
const NOT_SERVED: &[(&str, &str)] = &[];

#[test]
fn the_v1_description_is_a_subset_of_ours() {
    let Some(theirs) = contract("kubestats-v1.openapi.json") else { return };
    let theirs: Value = serde_json::from_str(&theirs).unwrap();
    let ours = serde_json::to_value(openapi::document()).unwrap();
    let mut wrong = Vec::new();
    let mut missing = BTreeSet::new();
    for (path, item) in theirs["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let name = format!("{} {path}", verb.to_uppercase());
            let mine = &ours["paths"][path][verb];
            if mine.is_null() {
                missing.insert(name);
                continue;
            }
            parameters(&name, operation, mine, &mut wrong);
            for by in operation["security"].as_array().into_iter().flatten() {
                if !mine["security"].as_array().is_some_and(|known| known.contains(by)) {
                    wrong.push(format!("{name}: nobody signs in by {by}"));
                }
            }
            let theirs_schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            fields(&theirs, theirs_schema, &ours, answer_of(mine), &name, &mut wrong);
        }
    }
    for (name, schema) in operations::undescribed() {
        let (verb, path) = name.split_once(' ').unwrap();
        let mine = &ours["paths"][path][verb.to_lowercase()];
        fields(&theirs, &schema, &ours, answer_of(mine), name, &mut wrong);
    }
    assert!(wrong.is_empty(), "existing clients would break:\n{}", wrong.join("\n"));
    let expected: BTreeSet<String> = NOT_SERVED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(missing, expected, "the list of what is not served yet is out of date");
}

#[test]
fn the_description_says_which_operation_wants_to_know_who_asks() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let schemes = &document["components"]["securitySchemes"];
    let password = json!({ "scopes": {}, "tokenUrl": "/api/v1/login/access-token" });
    assert_eq!(schemes["OAuth2PasswordBearer"]["flows"], json!({ "password": password }));
    assert_eq!((&schemes["Bearer"]["type"], &schemes["Bearer"]["scheme"]), (&json!("http"), &json!("bearer")));
    let (signed_in, token) = (json!({ "OAuth2PasswordBearer": [] }), json!({ "Bearer": [] }));
    let routes = needs::routes();
    assert!(routes.len() > 50, "only {} operations were looked at", routes.len());
    for route in routes {
        let expected = match route.needs {
            Needs::Nothing | Needs::WebhookSecret => Value::Null,
            Needs::Permission(Permission::Read) => json!([{}, signed_in, token]),
            Needs::Permission(_) | Needs::Account => json!([signed_in, token]),
            Needs::Person => json!([signed_in]),
            Needs::MetricsToken => json!([{}, { "MetricsToken": [] }, signed_in, token]),
            Needs::NotHere => panic!("{} is described, and nobody could ask for it", route.path),
        };
        let said = &document["paths"][&route.path][route.verb.to_lowercase()]["security"];
        // These have ways of their own to know who asks, which are told below.
        if !route.path.starts_with("/webhooks/") {
            assert_eq!(*said, expected, "{} {}", route.verb, route.path);
        }
    }
    let by = |names: &[&str]| -> Value { names.iter().map(|name| json!({ *name: [] })).collect() };
    for (path, verb, names) in [
        ("/webhooks/github/{repository_id}", "post", &["HubSignature"][..]),
        ("/webhooks/gitlab/{repository_id}", "post", &["GitlabToken", "StandardWebhook"][..]),
        ("/webhooks/forgejo/{repository_id}", "post", &["ForgejoSignature", "GiteaSignature", "HubSignature"][..]),
        ("/webhooks/generic/{repository_id}", "post", &["Signature", "StandardWebhook"][..]),
    ] {
        assert_eq!(document["paths"][path][verb]["security"], by(names), "{path}");
        for name in names {
            let scheme = &schemes[name];
            assert!(scheme["type"] == "apiKey" && scheme["in"] == "header", "{name} is {scheme}");
        }
    }
    // Who knows the address is let in.
    assert!(document["paths"]["/webhooks/tekton/{trigger_id}/{token}"]["post"]["security"].is_null());
    assert_eq!(schemes["MetricsToken"]["scheme"], "bearer");
}

#[test]
fn every_kind_of_webhook_has_its_operation_with_all_that_it_answers() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let statuses = |path: &str| -> Vec<String> {
        let responses = document["paths"][path]["post"]["responses"].as_object().unwrap_or_else(|| panic!("{path}"));
        responses.keys().cloned().collect()
    };
    for kind in forge::hooks::HookKind::ALL {
        let found = statuses(&format!("/webhooks/{}/{{repository_id}}", kind.as_str()));
        assert_eq!(found, ["202", "400", "401", "403", "404", "408", "413", "500", "503"], "{kind:?}");
    }
    let found = statuses("/webhooks/tekton/{trigger_id}/{token}");
    assert_eq!(found, ["202", "400", "403", "404", "408", "413", "500", "503"]);
    let figures = document["paths"]["/metrics"]["get"]["responses"].as_object().unwrap();
    assert_eq!(figures.keys().collect::<Vec<_>>(), ["200", "401", "404", "500", "503"]);
    let same = document["paths"]["/api/v1/metrics"]["get"]["responses"].as_object().unwrap();
    assert!(figures.keys().all(|status| same.contains_key(status)), "{same:?}");
}

/// What a row of a table says of keys: several of one section are told in braces, or the second by its last part.
fn keys_of(cell: &str) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for span in cell.split('`').skip(1).step_by(2) {
        let (section, names) = match (span.split_once('{'), keys.first()) {
            (Some((section, names)), _) => (section.to_owned(), names.trim_end_matches('}')),
            (None, Some(first)) if !span.contains('.') => {
                (first.rsplit_once('.').map_or_else(String::new, |(section, _)| format!("{section}.")), span)
            }
            (None, _) => (String::new(), span),
        };
        // Some have their unit behind them.
        keys.extend(names.split(',').map(|name| section.clone() + name.split(' ').next().unwrap_or_default()));
    }
    keys
}

#[test]
fn every_key_of_reposentrys_configuration_stands_in_our_table_and_no_other() {
    let Some(theirs) = contract("reposentry-opssight.md") else { return };
    let part = theirs.split("### A1.").nth(1).and_then(|rest| rest.split("### A2.").next()).unwrap();
    let rows = part.lines().filter(|line| line.starts_with("| "));
    let theirs: BTreeSet<String> = rows.filter_map(|row| row.split('|').nth(1)).flat_map(keys_of).collect();
    assert!(theirs.len() > 40, "{theirs:?}");
    let ours: BTreeSet<&str> = KEYS.iter().map(|key| key.key).collect();
    // One of ours may stand for all that is below it.
    let fits =
        |their: &str, own: &str| their == own || their.strip_prefix(own).is_some_and(|rest| rest.starts_with('.'));
    let missing: Vec<&String> = theirs.iter().filter(|their| !ours.iter().any(|own| fits(their, own))).collect();
    let made_up: Vec<&&str> = ours.iter().filter(|own| !theirs.iter().any(|their| fits(their, own))).collect();
    assert!(missing.is_empty() && made_up.is_empty(), "without {missing:?}, with {made_up:?}");
}

/// A file of the contract; nothing, and a word of it, where it is not here.
fn contract(file: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shared = match std::env::var_os("KUBESTATS_SHARED") {
        Some(shared) => vec![PathBuf::from(shared)],
        // The folder stands beside the project, or beside the folder that holds several copies of it.
        None => ["../../shared", "../../../shared"].map(|folder| root.join(folder)).to_vec(),
    };
    let mut places = shared.iter().map(|folder| folder.join("contract").join(file));
    let found = places.find_map(|path| std::fs::read_to_string(path).ok());
    if found.is_none() {
        println!("SKIPPED: ../shared/contract/{file} is not here");
    }
    found
}

/// The schema of what an operation of ours answers. What becomes a job is accepted; the rest is done at once.
fn answer_of(mine: &Value) -> &Value {
    let status = if mine["responses"]["202"].is_null() { "200" } else { "202" };
    &mine["responses"][status]["content"]["application/json"]["schema"]
}

fn parameters(name: &str, theirs: &Value, ours: &Value, wrong: &mut Vec<String>) {
    for parameter in theirs["parameters"].as_array().into_iter().flatten() {
        let same = |mine: &&Value| mine["name"] == parameter["name"] && mine["in"] == parameter["in"];
        let Some(mine) = ours["parameters"].as_array().into_iter().flatten().find(same) else {
            wrong.push(format!("{name}: no parameter {}", parameter["name"]));
            continue;
        };
        for limit in ["default", "maximum"] {
            let (their, my) = (&parameter["schema"][limit], &mine["schema"][limit]);
            if their.is_number() && their.as_f64() != my.as_f64() {
                wrong.push(format!("{name}: {} has the {limit} {my} instead of {their}", parameter["name"]));
            }
        }
    }
    for mine in ours["parameters"].as_array().into_iter().flatten().filter(|mine| mine["required"] == true) {
        let known =
            theirs["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == mine["name"]);
        if !known {
            wrong.push(format!("{name}: {} is required here and unknown there", mine["name"]));
        }
    }
}

/// Every field that they describe is described here with the same kind of value.
fn fields(theirs: &Value, their: &Value, ours: &Value, my: &Value, place: &str, wrong: &mut Vec<String>) {
    let (their, my) = (resolve(theirs, their), resolve(ours, my));
    if let Some(items) = their.get("items") {
        fields(theirs, items, ours, &my["items"], &format!("{place}[]"), wrong);
    }
    for (field, schema) in their["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{field}");
        let Some(mine) = property(ours, my, field) else {
            wrong.push(format!("{place} is missing"));
            continue;
        };
        let (want, have) = (kinds(theirs, schema), kinds(ours, mine));
        if !want.is_empty() && !have.is_empty() && !have.is_subset(&want) {
            wrong.push(format!("{place} is {have:?} instead of {want:?}"));
        }
        fields(theirs, schema, ours, mine, &place, wrong);
    }
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return document.pointer(reference.trim_start_matches('#')).map_or(schema, |target| resolve(document, target));
    }
    // Something or null: the something.
    for choice in ["anyOf", "oneOf"] {
        let real = schema[choice].as_array().into_iter().flatten().find(|option| option["type"] != "null");
        if let Some(real) = real {
            return resolve(document, real);
        }
    }
    schema
}

fn property<'a>(document: &'a Value, schema: &'a Value, field: &str) -> Option<&'a Value> {
    let schema = resolve(document, schema);
    schema["properties"]
        .get(field)
        .or_else(|| schema["allOf"].as_array()?.iter().find_map(|part| property(document, part, field)))
}

/// Kinds of value that a schema allows, null aside.
fn kinds<'a>(document: &'a Value, schema: &'a Value) -> BTreeSet<&'a str> {
    let schema = resolve(document, schema);
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    kinds.into_iter().filter(|kind| *kind != "null").collect()
}
