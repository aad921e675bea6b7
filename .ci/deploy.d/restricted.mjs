// What a namespace with the label pod-security.kubernetes.io/enforce=restricted asks of a pod, and what we ask beyond it.

const VOLUMES = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

export function checkPod(pod) {
  const problems = [];
  const want = (fits, what) => fits || problems.push(what);
  const whole = pod.securityContext ?? {};
  want(whole.runAsNonRoot === true && whole.runAsUser > 0, "runs as root");
  want(["RuntimeDefault", "Localhost"].includes(whole.seccompProfile?.type), "has no seccomp profile");
  want(!pod.hostNetwork && !pod.hostPID && !pod.hostIPC, "shares the node's namespaces");
  want(pod.automountServiceAccountToken === false, "gets a token of the cluster");
  for (const volume of pod.volumes ?? []) {
    const kinds = Object.keys(volume).filter((key) => key !== "name");
    want(kinds.length === 1 && VOLUMES.includes(kinds[0]), `volume ${volume.name} is a ${kinds}`);
  }
  for (const container of [...(pod.containers ?? []), ...(pod.initContainers ?? [])]) {
    const own = container.securityContext ?? {};
    want(own.allowPrivilegeEscalation === false, `${container.name} may gain privileges`);
    want(own.readOnlyRootFilesystem === true, `${container.name} may write to its image`);
    want(own.capabilities?.drop?.includes("ALL") && !own.capabilities.add, `${container.name} keeps capabilities`);
    want(!own.privileged && own.runAsUser !== 0, `${container.name} is privileged`);
    want(container.resources?.requests?.memory && container.resources.limits?.memory, `${container.name} has no bound of memory`);
    want(!(container.ports ?? []).some((port) => port.hostPort), `${container.name} takes a port of the node`);
    want(/:[^/]+$|@sha256:/.test(container.image), `${container.name}'s image ${container.image} has no version`);
    for (const [probe, path] of [["startupProbe", "/health/live"], ["livenessProbe", "/health/live"], ["readinessProbe", "/health/ready"]]) {
      want(container[probe]?.httpGet?.path === path, `${container.name}'s ${probe} asks not for ${path}`);
    }
    for (const mount of container.volumeMounts ?? []) {
      want((pod.volumes ?? []).some((volume) => volume.name === mount.name), `${container.name} mounts ${mount.name}, which is no volume`);
    }
  }
  return problems;
}
