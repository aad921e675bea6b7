// Alert rules and the dashboard: PromQL that can be read, of metrics that the program tells; as those that documents name.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parser } from "@prometheus-io/lezer-promql";

/** Metrics that an expression names; `undefined` where it cannot be read. */
function metricsOf(expression) {
  // What Grafana puts in is a duration or a text.
  const filled = expression.replaceAll("$__rate_interval", "5m").replaceAll("$job", ".*");
  const tree = parser.parse(filled);
  const metrics = [];
  let broken = false;
  tree.iterate({
    enter(node) {
      if (node.type.isError) broken = true;
      if (node.name === "VectorSelector") {
        const name = node.node.getChild("Identifier");
        if (name) metrics.push(filled.slice(name.from, name.to));
      }
    },
  });
  return broken ? undefined : metrics;
}

/** Names that stand in the program's metrics; nothing where this program has none. */
function toldMetrics(root) {
  const web = join(root, "server/src/web");
  const files = readdirSync(web, { recursive: true }).filter((name) => /(^|\/)metrics(\/.*)?\.rs$/.test(name) || /^metrics\//.test(name));
  if (files.length === 0) return undefined;
  const text = files.filter((name) => name.endsWith(".rs")).map((name) => readFileSync(join(web, name), "utf8")).join("\n");
  return new Set(text.match(/(?<=")[a-z][a-z_0-9]+(?=")/g));
}

export function checkFigures(root, read) {
  const problems = [];
  const expressions = [];
  const [alerts] = read(join(root, "deploy/prometheus/alerts.yaml"));
  const names = new Set();
  for (const { rules } of alerts.groups) {
    for (const { alert, expr, annotations } of rules) {
      if (names.has(alert)) problems.push(`alerts.yaml: ${alert} stands twice`);
      names.add(alert);
      if (!annotations?.summary || !annotations.description) problems.push(`alerts.yaml: ${alert} does not say what to do`);
      expressions.push([`alerts.yaml: ${alert}`, expr]);
    }
  }
  const board = JSON.parse(readFileSync(join(root, "deploy/grafana/kubestats.json"), "utf8"));
  const ids = board.panels.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) problems.push("kubestats.json: two panels have one id");
  for (const { title, targets = [], type } of board.panels) {
    if (type !== "row" && targets.length === 0) problems.push(`kubestats.json: ${title} asks nothing`);
    for (const { expr } of targets) expressions.push([`kubestats.json: ${title}`, expr]);
  }
  if (expressions.length < 10) problems.push("alerts and dashboard ask for hardly anything");

  const told = toldMetrics(root);
  if (!told) console.error("this program tells no metrics: the names in alerts, dashboard and documents are NOT LOOKED AT");
  // What is added to names: by the kind of metric, and by the registry.
  const isTold = (metric) => {
    const base = metric.replace(/_(bucket|count|sum|total)$/, "");
    return [metric, base, base.replace(/^kubestats_/, "")].some((name) => told.has(name));
  };
  for (const [where, expression] of expressions) {
    const metrics = metricsOf(expression);
    if (!metrics) problems.push(`${where}: cannot be read as PromQL: ${expression}`);
    else if (metrics.length === 0) problems.push(`${where}: names no metric: ${expression}`);
    for (const metric of told ? (metrics ?? []) : []) {
      if (!isTold(metric)) problems.push(`${where}: the program tells no metric ${metric}`);
    }
  }
  for (const file of ["deploy/helm/kubestats/README.md", "docs/operations.md", "docs/triggers.md"]) {
    for (const [metric] of told ? readFileSync(join(root, file), "utf8").matchAll(/\bkubestats_[a-z0-9_]+/g) : []) {
      if (!isTold(metric)) problems.push(`${file}: the program tells no metric ${metric}`);
    }
  }
  return problems;
}
