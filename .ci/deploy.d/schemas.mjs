// The schema and the TypeScript type of a kind.

import ts from "typescript";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";

const here = dirname(fileURLToPath(import.meta.url));
const PACKAGES = {
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api/gateway.networking.k8s.io",
  "helm.toolkit.fluxcd.io": "@kubernetes-models/flux-cd/helm.toolkit.fluxcd.io",
  "source.toolkit.fluxcd.io": "@kubernetes-models/flux-cd/source.toolkit.fluxcd.io",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator/monitoring.coreos.com",
};

/** Where the package has a kind; Kubernetes' own are under their group. */
function place({ apiVersion }) {
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

/** Keys that no schema forbids but no type knows, and what else the compiler sees. */
export function checkTypes(objects) {
  const name = join(here, "objects.ts");
  const places = [];
  const lines = objects.map(({ object, where }, index) => {
    places.push(where);
    return `export const o${index}: import("${place(object)}").I${object.kind} = ${JSON.stringify(object)};`;
  });
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler, types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  const source = ts.createSourceFile(name, lines.join("\n"), options.target);
  host.getSourceFile = (file, ...rest) => (file === name ? source : getSourceFile.call(host, file, ...rest));
  host.fileExists = (file) => file === name || fileExists.call(host, file);
  const found = ts.getPreEmitDiagnostics(ts.createProgram([name], options, host));
  return found.map((diagnostic) => {
    const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, " ");
    if (diagnostic.file?.fileName !== name) return `types: ${text}`;
    return `${places[source.getLineAndCharacterOfPosition(diagnostic.start).line]}: ${text}`;
  });
}
