// Whether what objects name is there: selectors their pods, services their ports, pods their volumes, routes their services.

const selects = (selector, labels) => Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value);

/** Problems among the objects of one file. */
export function checkReferences(objects) {
  const problems = [];
  const of = (...kinds) => objects.filter(({ kind }) => kinds.includes(kind));
  const has = (kind, name) => of(kind).some(({ metadata }) => metadata.name === name);
  const templates = of("Deployment", "StatefulSet").map(({ spec }) => spec.template);
  const pods = (selector) => templates.filter(({ metadata }) => selects(selector, metadata.labels));
  const want = (fits, what) => fits || problems.push(what);

  for (const { kind, metadata, spec } of of("Deployment", "StatefulSet")) {
    want(selects(spec.selector.matchLabels, spec.template.metadata.labels), `${kind}/${metadata.name} does not select its own pods`);
    want(pods(spec.selector.matchLabels).length === 1, `${kind}/${metadata.name} selects pods of others`);
    want(kind !== "StatefulSet" || has("Service", spec.serviceName), `StatefulSet/${metadata.name}: no service ${spec.serviceName}`);
    const { serviceAccountName, volumes = [] } = spec.template.spec;
    want(of("ServiceAccount").length === 0 || has("ServiceAccount", serviceAccountName), `no service account ${serviceAccountName}`);
    for (const { configMap, persistentVolumeClaim } of volumes) {
      want(!configMap || has("ConfigMap", configMap.name), `${metadata.name}: no ConfigMap ${configMap?.name}`);
      want(!persistentVolumeClaim || of("PersistentVolumeClaim").length === 0 || has("PersistentVolumeClaim", persistentVolumeClaim.claimName),
        `${metadata.name}: no claim ${persistentVolumeClaim?.claimName}`);
    }
  }
  for (const { metadata, spec } of of("Service")) {
    const found = pods(spec.selector);
    // One that only finds pods may find several kinds of them.
    const fits = spec.clusterIP === "None" ? found.length > 0 : found.length === 1;
    want(fits, `Service/${metadata.name} leads to ${found.length} kinds of pods`);
    for (const { targetPort } of spec.ports) {
      want(found.every(({ spec: pod }) => pod.containers.some(({ ports }) => ports.some(({ name }) => name === targetPort))),
        `Service/${metadata.name}: no port ${targetPort}`);
    }
  }
  for (const { kind, metadata, spec } of of("PodDisruptionBudget")) {
    want(pods(spec.selector.matchLabels).length === 1, `${kind}/${metadata.name} covers not one kind of pods`);
  }
  for (const { metadata, spec } of of("NetworkPolicy")) {
    want(templates.every(({ metadata: pod }) => selects(spec.podSelector.matchLabels, pod.labels)), `NetworkPolicy/${metadata.name} leaves pods out`);
  }
  for (const { metadata, spec } of of("HorizontalPodAutoscaler")) {
    const target = of("Deployment").find(({ metadata: { name } }) => name === spec.scaleTargetRef.name);
    want(target, `HorizontalPodAutoscaler/${metadata.name}: no ${spec.scaleTargetRef.name}`);
    want(target?.spec.replicas === undefined, `HorizontalPodAutoscaler/${metadata.name}: its deployment sets replicas too`);
  }
  const backends = [
    ...of("Ingress").flatMap(({ spec }) => spec.rules.flatMap(({ http }) => http.paths.map(({ backend }) => backend.service.name))),
    ...of("HTTPRoute").flatMap(({ spec }) => spec.rules.flatMap(({ backendRefs }) => backendRefs.map(({ name }) => name))),
  ];
  for (const name of backends) want(has("Service", name), `no service ${name}, to which requests are to go`);
  for (const { metadata, spec } of of("ServiceMonitor")) {
    const found = of("Service").filter(({ metadata: { labels } }) => selects(spec.selector.matchLabels, labels));
    want(found.length === 1, `ServiceMonitor/${metadata.name} selects ${found.length} services`);
    const names = found.flatMap(({ spec: { ports } }) => ports.map(({ name }) => name));
    for (const { port } of spec.endpoints) want(names.includes(port), `ServiceMonitor/${metadata.name}: no port ${port}`);
    want(found.every((service) => pods(service.spec.selector).length === templates.length), `ServiceMonitor/${metadata.name} leaves pods out`);
  }
  for (const { metadata, spec } of of("HelmRelease")) {
    want(has(spec.chartRef.kind, spec.chartRef.name), `HelmRelease/${metadata.name}: no ${spec.chartRef.kind}/${spec.chartRef.name}`);
  }
  return problems;
}
