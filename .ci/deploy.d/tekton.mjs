// Tekton's kinds have no schema in a package: tekton-types.ts has their types, and says what was looked for. What of them is
// Kubernetes' own is looked at as the pods that Tekton makes of it as well; names and references are looked at by
// @ibm/tekton-lint, and by the test `bootstrap` of the server.

const GROUPS = ["tekton.dev", "triggers.tekton.dev"];

export const isTekton = ({ apiVersion }) => GROUPS.includes(apiVersion.split("/")[0]);

const container = ({ script, computeResources, ...step }) => ({ ...step, ...(computeResources && { resources: computeResources }) });

const pod = (name, spec) => ({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });

/** Pods that hold everything which the object says of pods. */
export function podsOf({ kind, metadata: { name }, spec }) {
  if (kind === "Task") {
    const template = container(spec.stepTemplate ?? {});
    return [pod(name, { containers: spec.steps.map((step) => ({ ...template, ...container(step) })), volumes: spec.volumes })];
  }
  if (kind === "EventListener") {
    const template = spec.resources.kubernetesResource.spec.template.spec;
    return [pod(name, { ...template, containers: template.containers.map((one) => ({ name: "event-listener", ...one })) })];
  }
  if (kind === "TriggerTemplate") {
    const runs = spec.resourcetemplates.map((run) => run.spec.taskRunTemplate);
    return runs.map((run) => pod(name, { containers: [{ name: "step" }], serviceAccountName: run.serviceAccountName, ...run.podTemplate }));
  }
  return [];
}

/** Whose keys are anybody's. */
const FREE = ["labels", "annotations", "requests", "limits", "nodeSelector", "matchLabels"];

/** Where an object has a key; of several entries of a list the first one that has it. */
function keysOf(value, path = [], found = new Map()) {
  for (const [key, inner] of Object.entries(value ?? {})) {
    const place = [...path, key];
    const pattern = place.map((part) => (/^\d+$/.test(part) ? "[]" : part)).join(".");
    if (!Array.isArray(value) && !found.has(pattern)) found.set(pattern, place);
    if (typeof inner === "object" && !FREE.includes(key)) keysOf(inner, place, found);
  }
  return found;
}

/** Objects with a key that is misspelled, for every key that one of their kind has: a check that takes one of them checks nothing. */
export function misspelled(objects) {
  const made = new Map();
  for (const { object } of objects) {
    for (const [pattern, path] of keysOf(object)) {
      const where = `${object.kind}: ${pattern}`;
      if (made.has(where)) continue;
      const copy = structuredClone(object);
      const holder = path.slice(0, -1).reduce((part, key) => part[key], copy);
      const key = path.at(-1);
      // The right one stays, for its lack alone would be noticed where it has to be there.
      holder[`${key}s`] = holder[key];
      made.set(where, { object: copy, where, type: object });
    }
  }
  return [...made.values()];
}
