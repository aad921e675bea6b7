//! Traces as a collector gets them: a request and the job that it asked for are one.

use crate::support::{Program, access_token, address_in, with_first_account};
use std::{
    collections::HashMap,
    fs,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message as _;

/// Something hangs that takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

type Told = Arc<Mutex<Vec<ExportTraceServiceRequest>>>;

async fn collect(State(told): State<Told>, body: Bytes) {
    told.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
}

fn spans(told: &Told) -> Vec<Span> {
    let told = told.lock().unwrap();
    let scopes = told.iter().flat_map(|told| &told.resource_spans).flat_map(|of| &of.scope_spans);
    scopes.flat_map(|scope| scope.spans.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_the_job_that_it_asked_for_are_one_trace() {
    let told = Told::default();
    let collector = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let router = Router::new().route("/v1/traces", post(collect)).with_state(Arc::clone(&told));
    tokio::spawn(axum::serve(collector, router).into_future());

    let folder = tempfile::tempdir().unwrap();
    let (file, log) = (folder.path().join("kubestats.yaml"), folder.path().join("log"));
    let text = format!(
        "app: {{data_dir: {}, listen: '127.0.0.1:0', samples: never, log_format: text, log_level: 'warn,server::start=info'}}\n\
         discovery: {{enabled: false}}\nschedules: {{aggregate-daily-ecosystem-stats: off}}\n",
        folder.path().join("data").display()
    );
    fs::write(&file, text).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    program.args(["serve", "--config"]).arg(&file).env_remove("DATABASE_URL").env("NO_COLOR", "1");
    program.env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint).env("OTEL_BSP_SCHEDULE_DELAY", "200");
    with_first_account(&mut program);
    let program = program.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    let _program = Program(program);
    let address = address_in(&|| fs::read_to_string(&log).unwrap()).await.to_string();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = access_token(&address).await;
    let asked = client.post(format!("http://{address}/api/v1/ecosystem/trigger-aggregation"));
    let asked = asked.bearer_auth(token).send().await.unwrap();
    assert!(asked.status().is_success(), "{}", asked.status());
    let status = i64::from(asked.status().as_u16());
    let id = asked.headers()["x-request-id"].to_str().unwrap().to_owned();

    let began = Instant::now();
    let (request, job) = loop {
        let spans = spans(&told);
        let request = spans.iter().find(|span| span.name == "POST /api/v1/ecosystem/trigger-aggregation");
        let job = request.and_then(|request| {
            spans.iter().find(|span| span.name.starts_with("job ") && span.trace_id == request.trace_id)
        });
        if let (Some(request), Some(job)) = (request, job) {
            break (request.clone(), job.clone());
        }
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        assert!(began.elapsed() < PATIENCE, "{names:?}: {}", fs::read_to_string(&log).unwrap());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(job.parent_span_id, request.span_id, "the job is a part of the request that caused it");
    let attributes: HashMap<&str, &Value> = request
        .attributes
        .iter()
        .filter_map(|pair| Some((pair.key.as_str(), pair.value.as_ref()?.value.as_ref()?)))
        .collect();
    assert_eq!(attributes["request.id"], &Value::StringValue(id), "{attributes:?}");
    assert_eq!(attributes["http.response.status_code"], &Value::IntValue(status));
    assert_eq!(attributes["http.route"], &Value::StringValue("/api/v1/ecosystem/trigger-aggregation".to_owned()));
    let resources: Vec<String> = {
        let told = told.lock().unwrap();
        let of = told.iter().flat_map(|told| &told.resource_spans).filter_map(|of| of.resource.clone());
        of.flat_map(|of| of.attributes).map(|pair| format!("{}={:?}", pair.key, pair.value)).collect()
    };
    assert!(resources.iter().any(|of| of.starts_with("service.name=") && of.contains("kubestats")), "{resources:?}");
}
