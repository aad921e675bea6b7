// Tekton's kinds have no schema in a package. What of them is Kubernetes' own is looked at as the pods that Tekton makes of it;
// the rest by @ibm/tekton-lint, and by the test `bootstrap` of the server.

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
