// The schema and the TypeScript type of a kind.

import ts from "typescript";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import { isTekton, misspelled } from "./tekton.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const PACKAGES = {
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api/gateway.networking.k8s.io",
  "helm.toolkit.fluxcd.io": "@kubernetes-models/flux-cd/helm.toolkit.fluxcd.io",
  "source.toolkit.fluxcd.io": "@kubernetes-models/flux-cd/source.toolkit.fluxcd.io",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator/monitoring.coreos.com",
};
const TEKTON = "./tekton-types.ts";

/** Where the package has a kind; Kubernetes' own are under their group. */
function place({ apiVersion }) {
  if (isTekton({ apiVersion })) return TEKTON;
  const [version, group] = apiVersion.split("/").reverse();
  if (!group) return `kubernetes-models/${version}`;
  return PACKAGES[group] ? `${PACKAGES[group]}/${version}` : `kubernetes-models/${group}/${version}`;
}

/** The class that knows the kind's schema. */
export async function model(object) {
  try {
    return (await import(place(object)))[object.kind];
  } catch {
    return undefined;
  }
}

/** What the compiler says of objects as values of their types: of each by its place, and of the types themselves. */
function compile(objects) {
  const name = join(here, "objects.ts");
  const lines = objects.map(({ object, type = object }, index) =>
    `export const o${index}: import("${place(type)}").I${type.kind} = ${JSON.stringify(object)};`);
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler, allowImportingTsExtensions: true, types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  const source = ts.createSourceFile(name, lines.join("\n"), options.target);
  host.getSourceFile = (file, ...rest) => (file === name ? source : getSourceFile.call(host, file, ...rest));
  host.fileExists = (file) => file === name || fileExists.call(host, file);
  return ts.getPreEmitDiagnostics(ts.createProgram([name], options, host)).map((diagnostic) => ({
    text: ts.flattenDiagnosticMessageText(diagnostic.messageText, " "),
    index: diagnostic.file?.fileName === name ? source.getLineAndCharacterOfPosition(diagnostic.start).line : undefined,
  }));
}

/** Keys that no schema forbids but no type knows, and what else the compiler sees. */
export function checkTypes(objects) {
  const wrong = misspelled(objects.filter(({ object }) => isTekton(object)));
  const all = [...objects, ...wrong];
  const found = compile(all);
  const problems = found.filter(({ index }) => index === undefined || index < objects.length)
    .map(({ index, text }) => `${index === undefined ? "types" : all[index].where}: ${text}`);
  // Types that were found nowhere would take anything.
  const refused = new Set(found.map(({ index }) => index));
  problems.push(...wrong.filter((_, at) => !refused.has(objects.length + at)).map(({ where }) => `tekton-types.ts takes a misspelled key, ${where}`));
  if (wrong.length < 100) problems.push(`tekton-types.ts: only ${wrong.length} misspelled keys were tried`);
  return problems;
}
