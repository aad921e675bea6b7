// The chart's schema of `config` has the sections that the program's template of a configuration has, and values in ci/ try each.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export function checkKeys(root, read) {
  const problems = [];
  const template = readFileSync(join(root, "server/src/config/template.yaml"), "utf8");
  // Some stand there commented out; what is within a section is indented.
  const known = [...template.matchAll(/^(?:# )?([a-z][a-z_]*):(?=\s|$)/gm)].map(([, key]) => key);
  if (known.length < 10) problems.push("template.yaml: hardly any section is found");
  const chart = join(root, "deploy/helm/kubestats");
  const taken = Object.keys(JSON.parse(readFileSync(join(chart, "values.schema.json"), "utf8")).properties.config.properties);
  const tried = readdirSync(join(chart, "ci")).flatMap((name) => read(join(chart, "ci", name)).flatMap(({ config }) => Object.keys(config ?? {})));
  for (const key of known) {
    if (!taken.includes(key)) problems.push(`values.schema.json: config lacks ${key}, which the program reads`);
    else if (!tried.includes(key)) problems.push(`no values in ci/ set config.${key}`);
  }
  for (const key of taken) {
    if (!known.includes(key)) problems.push(`values.schema.json: config has ${key}, which template.yaml does not name`);
  }
  return problems;
}
