//! The description of the API (OpenAPI 3.1), made from the handlers themselves.

use std::collections::BTreeSet;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, Method, header},
    routing::get,
};
use entity::kind::{Needs, Permission};
use store::given;
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, License, Object, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
    Schema, Type,
    path::{Parameter, ParameterIn},
    schema::{AdditionalProperties, SchemaType},
    security::{Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes, SecurityRequirement, SecurityScheme},
    tag::TagBuilder,
};
use utoipa_axum::router::OpenApiRouter;

use super::needs;
use super::problem::PROBLEM_JSON;
use crate::{
    state::AppState,
    web::{health, hooks, hosts::is_health, metrics, rate_limits::is_limited},
};

/// Where the description is served.
pub const PATH: &str = "/api/v1/openapi.json";

/// Who signed in with a password; the name is the v1 API's.
const SIGNED_IN: &str = "OAuth2PasswordBearer";
/// Who brings a token that was made for a program.
const TOKEN: &str = "Bearer";
/// Who brings the token of the configuration that opens the figures.
const METRICS_TOKEN: &str = "MetricsToken";

/// All operations under their full paths, with their description.
#[must_use]
pub fn described() -> (OpenApiRouter<AppState>, OpenApiRouter<AppState>) {
    let reads = OpenApiRouter::with_openapi(head()).nest("/api/v1", super::v1::routes());
    let reads = reads.merge(health::routes()).merge(super::reposentry::routes());
    let streams = OpenApiRouter::new().nest("/api/v1", super::v1::streams());
    (reads, streams)
}

/// The whole description.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = operations();
    needs_are_described(&mut document);
    document
}

/// The same but for what each operation needs, which is looked up in a table that is made of it.
#[must_use]
pub(super) fn operations() -> OpenApi {
    let (reads, streams) = described();
    let mut document = reads.into_openapi();
    document.merge(streams.into_openapi());
    // Served beside the others, as who asks there is known in other ways.
    document.merge(hooks::routes().into_openapi());
    document.merge(metrics::described().into_openapi());
    parameters_are_described(&mut document);
    answers_are_complete(&mut document);
    choices_have_one_key(&mut document);
    failures_are_described(&mut document);
    document
}

/// Serves the description and, under `/docs`, the interactive documentation from inside the program.
pub fn router() -> Router<AppState> {
    let bytes = serde_json::to_vec(&document()).map_or_else(
        |error| {
            tracing::error!(%error, "the description of the API cannot be written");
            Bytes::new()
        },
        Bytes::from,
    );
    let description = get(move || {
        let bytes = bytes.clone();
        async move { ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes) }
    })
    .layer(axum::middleware::from_fn(super::super::etag::tag_reads));
    Router::new().route(PATH, description).merge(super::docs::router())
}

fn head() -> OpenApi {
    let tag = |name: &str, text: &str| TagBuilder::new().name(name).description(Some(text)).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Kubestats")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "What the Git repositories that run Kubernetes deploy, how it is configured and how that changes. \
                     Lists take `skip` and `limit` and tell the true total as `count`. Times are RFC 3339. Errors are \
                     `application/problem+json`, and tell the same in `error`. Reads carry an `ETag` and answer \
                     `If-None-Match` with 304. Requests for a host's name that is not the program's own are answered with \
                     421. Where requests are limited (429), answers carry `X-RateLimit-Limit`, `X-RateLimit-Remaining` and \
                     `X-RateLimit-Reset` (Unix time).",
                ))
                .license(Some({
                    let mut license = License::new("Apache-2.0");
                    license.identifier = Some("Apache-2.0".to_owned());
                    license
                }))
                .build(),
        )
        .tags(Some([
            tag("repositories", "Git repositories and what is known of them"),
            tag("events", "What changed, commit by commit"),
            tag("branches", "Branches that are watched, what happened to them, and the webhooks that tell of them"),
            tag("resources", "Kubernetes resources over all repositories"),
            tag("charts", "Charts: who uses them, in which version, with which values, now and at any time of the past"),
            tag("images", "Container images: their tags, and the places where they stand"),
            tag("ecosystem", "All repositories together, day by day"),
            tag("admin", "Accounts, roles, what people did, and how much is stored"),
            tag("login", "Signing in for programs"),
            tag("users", "The account that asks, its sessions and tokens"),
            tag("tasks", "Workers, schedules and jobs in the v1 API's words"),
            tag("jobs", "Work: syncs and scans"),
            tag("triggers", "Who is told of changes of branches, and what came of it"),
            tag("configuration", "Reading the configuration again, and checking one"),
            tag("live", "Updates as they happen"),
            tag("webhooks", "Where forges tell of pushes, and Tekton of runs; each proves whose it is in its own way"),
            tag("health", "Whether the program is well, and its figures"),
            tag("reposentry", "What clients of RepoSentry know: every answer in its envelope"),
        ]))
        .build()
}

/// What the types of parameters cannot say: the limits of every text, and that a word with a default is still a word.
fn parameters_are_described(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete] {
            let parameters = operation.as_mut().and_then(|operation| operation.parameters.as_mut());
            for parameter in parameters.into_iter().flatten() {
                let RefOr::T(Parameter { schema: Some(schema), parameter_in, .. }) = parameter else { continue };
                if let Some(word) = word_with_default(schema) {
                    *schema = word;
                }
                if let RefOr::T(Schema::Object(object)) = schema
                    && *parameter_in == ParameterIn::Query
                {
                    limit_text(object);
                }
            }
        }
    }
}

/// utoipa says a word and its default as "all of a text and an object", which nothing can be.
fn word_with_default(schema: &RefOr<Schema>) -> Option<RefOr<Schema>> {
    let RefOr::T(Schema::AllOf(all)) = schema else { return None };
    let [RefOr::T(Schema::Object(word)), RefOr::T(Schema::Object(rest))] = all.items.as_slice() else { return None };
    let mut word = word.clone();
    word.default.clone_from(&rest.default);
    // The parameter says it in its own words.
    word.description = None;
    Some(RefOr::T(Schema::Object(word)))
}

/// The limits that `store::given` sets.
fn limit_text(object: &mut Object) {
    let is_text = object.schema_type == SchemaType::Type(Type::String);
    if is_text && object.format.is_none() && object.enum_values.is_none() && object.pattern.is_none() {
        object.max_length = Some(given::MAX_TEXT);
        object.pattern = Some(r"^[^\u0000]*$".to_owned());
    }
}

/// Our answers always hold every field, null where nothing is known; serde's `Option` alone would make
/// generated clients think that fields may be absent. What is sent to us may leave out what is optional.
fn answers_are_complete(document: &mut OpenApi) {
    let sent = sent_schemas(document);
    let Some(components) = document.components.as_mut() else { return };
    for (_, schema) in components.schemas.iter_mut().filter(|(name, _)| !sent.contains(*name)) {
        complete(schema);
    }
}

/// A choice that is named by its key has no other key beside it; what is sent with two is refused.
fn choices_have_one_key(document: &mut OpenApi) {
    let sent = sent_schemas(document);
    let Some(components) = document.components.as_mut() else { return };
    for (_, schema) in components.schemas.iter_mut().filter(|(name, _)| sent.contains(*name)) {
        let RefOr::T(Schema::OneOf(choices)) = schema else { continue };
        for choice in &mut choices.items {
            if let RefOr::T(Schema::Object(object)) = choice
                && object.properties.len() == 1
                && object.required.len() == 1
            {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
    }
}

/// Names of the schemas of bodies that are sent to us, and of what they are made of.
fn sent_schemas(document: &OpenApi) -> BTreeSet<String> {
    // All of it is here; nothing but schemas is named elsewhere in our description.
    fn here<T>(part: &RefOr<T>) -> Option<&T> {
        match part {
            RefOr::T(part) => Some(part),
            RefOr::Ref(_) => None,
        }
    }
    let operations = document.paths.paths.values().flat_map(|item| [&item.post, &item.put, &item.patch]);
    let bodies = operations.flatten().filter_map(|operation| here(operation.request_body.as_ref()?));
    let schemas = bodies.flat_map(|body| body.content.values()).filter_map(|content| here(content)?.schema.as_ref());
    let mut sent = BTreeSet::new();
    let mut next: Vec<&RefOr<Schema>> = schemas.collect();
    while let Some(schema) = next.pop() {
        match schema {
            RefOr::Ref(named) => {
                let Some(name) = named.ref_location.rsplit('/').next() else { continue };
                if sent.insert(name.to_owned()) {
                    next.extend(document.components.as_ref().and_then(|components| components.schemas.get(name)));
                }
            }
            RefOr::T(Schema::Object(object)) => next.extend(object.properties.values()),
            RefOr::T(Schema::OneOf(one)) => next.extend(&one.items),
            RefOr::T(Schema::AllOf(all)) => next.extend(&all.items),
            RefOr::T(Schema::AnyOf(any)) => next.extend(&any.items),
            RefOr::T(_) => {}
        }
    }
    sent
}

/// How somebody says who they are, and which operation wants to know: `/docs` and generated clients ask for it by that. Some say
/// themselves what they want to know.
fn needs_are_described(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let of = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::PATCH, &mut item.patch),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, operation) in of {
            let Some(operation) = operation.as_mut() else { continue };
            if operation.security.is_none() {
                operation.security = needs::of(&method, path).and_then(security);
            }
        }
    }
    let password = Password::new("/api/v1/login/access-token", Scopes::new());
    let signed_in = OAuth2::with_description([Flow::Password(password)], "An access token of who signed in");
    let bearer = |text: &str| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build();
        RefOr::T(SecurityScheme::Http(scheme))
    };
    let schemes = &mut document.components.get_or_insert_default().security_schemes;
    schemes.insert(SIGNED_IN.to_owned(), RefOr::T(SecurityScheme::OAuth2(signed_in)));
    let token = "A token that was made on /account; it may no more than its scopes and its account";
    schemes.insert(TOKEN.to_owned(), bearer(token));
    schemes.insert(METRICS_TOKEN.to_owned(), bearer("The token of `server.metrics.token`"));
    let proofs = hooks::proofs().into_iter();
    schemes.extend(proofs.map(|(name, scheme)| (name.to_owned(), RefOr::T(scheme))));
}

/// Any of these will do; one that asks for nothing is for nobody in particular.
fn security(needs: Needs) -> Option<Vec<SecurityRequirement>> {
    let by = |scheme: &str| SecurityRequirement::new(scheme, std::iter::empty::<String>());
    match needs {
        // Each kind of webhook says itself how it proves whose it is.
        Needs::Nothing | Needs::WebhookSecret | Needs::NotHere => None,
        // Everybody may read, unless the configuration keeps strangers out.
        Needs::Permission(Permission::Read) => Some(vec![SecurityRequirement::default(), by(SIGNED_IN), by(TOKEN)]),
        Needs::Permission(_) | Needs::Account => Some(vec![by(SIGNED_IN), by(TOKEN)]),
        // A token is no person.
        Needs::Person => Some(vec![by(SIGNED_IN)]),
        // Where no token is set, whoever is on this machine may ask.
        Needs::MetricsToken => Some(vec![SecurityRequirement::default(), by(METRICS_TOKEN), by(SIGNED_IN), by(TOKEN)]),
    }
}

/// What any operation may answer, said once instead of at each.
fn failures_are_described(document: &mut OpenApi) {
    let problem = |text: &str| -> RefOr<Response> {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDetails"))).build();
        ResponseBuilder::new().description(text).content(PROBLEM_JSON, content).build().into()
    };
    for (path, item) in &mut document.paths.paths {
        let changing =
            [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete].map(|operation| (true, operation));
        for (changes, operation) in std::iter::once((false, &mut item.get)).chain(changing) {
            let Some(operation) = operation.as_mut() else { continue };
            let has_body = operation.request_body.is_some();
            let mut add = |status: &str, text: &str| {
                operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(text));
            };
            add("500", "Something failed inside; the log holds the cause");
            add(
                "503",
                "The database is busy, not to be reached, or stopped what took too long; try again after `Retry-After` seconds",
            );
            if path.starts_with(hooks::PLACE) {
                add("400", "What was sent can't be read");
                add("403", "The request comes from a page of another site");
                add("404", "No webhook is set up at this address");
                add("408", "What was sent did not come in time");
                add("413", "Too long");
                continue;
            }
            // It says itself whom it is for.
            if path == metrics::PATH {
                continue;
            }
            if !is_health(path) {
                add("401", "Nobody signed in, and that is needed");
                add(
                    "403",
                    "Who asks may not, their token does not work, or the request comes from a page of another site",
                );
            }
            if path.contains("_id}") {
                add("422", "What was sent can't be taken");
            }
            if changes {
                // Also where nothing is to be sent: it is waited for before anything is known of it.
                add("408", "What was sent did not come in time");
            }
            if has_body {
                add("400", "What was sent can't be read");
                add("413", "Too long");
                add("415", "Not said to be of the right type");
                add("422", "What was sent can't be taken");
            }
            if is_limited(path) {
                add("429", "Asked too often; try again after `Retry-After` seconds");
            }
        }
    }
}

fn complete(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            object.required = object.properties.keys().cloned().collect();
            object.properties.values_mut().for_each(complete);
        }
        RefOr::T(Schema::OneOf(one)) => one.items.iter_mut().for_each(complete),
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(complete),
        RefOr::T(_) | RefOr::Ref(Ref { .. }) => {}
    }
}
