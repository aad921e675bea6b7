// What pods are told by their environment: all the same key where they share a database, and the address that people use.

/** Problems among the objects of one file. */
export function checkSettings(objects) {
  const problems = [];
  const of = (...kinds) => objects.filter(({ kind }) => kinds.includes(kind));
  const keys = [];
  const urls = [];
  for (const { kind, metadata, spec } of of("Deployment", "StatefulSet")) {
    for (const { env = [] } of spec.template.spec.containers) {
      const where = `${kind}/${metadata.name}`;
      const names = env.map(({ name }) => name);
      const twice = names.filter((name, index) => names.indexOf(name) !== index);
      if (twice.length) problems.push(`${where}: ${twice} stands twice`);
      const said = (name) => env.find((one) => one.name === name);
      const key = said("KUBESTATS_SECRET_KEY");
      if (key && !key.valueFrom?.secretKeyRef) problems.push(`${where}: the key that seals secrets comes from no Secret`);
      if (said("KUBESTATS_STORAGE_TYPE")?.value === "postgres" && !key) problems.push(`${where}: each pod seals secrets with a key of its own`);
      keys.push(JSON.stringify([key, said("KUBESTATS_SECRET_KEY_PREVIOUS")].map((one) => one?.valueFrom)));
      urls.push([where, said("KUBESTATS_SERVER_PUBLIC_URL")?.value]);
    }
  }
  if (new Set(keys).size > 1) problems.push("pods seal secrets with different keys");
  const written = of("ConfigMap").some(({ data }) => /^ +public_url:/m.test(data?.["kubestats.yaml"] ?? ""));
  const hosts = [
    ...of("Ingress").flatMap(({ spec }) => (spec.tls ?? []).flatMap((tls) => tls.hosts ?? spec.rules.map(({ host }) => host))),
    ...of("HTTPRoute").flatMap(({ spec }) => spec.hostnames),
  ];
  const host = hosts.find((name) => !name.startsWith("*"));
  const wanted = host && !written ? `https://${host}` : undefined;
  for (const [where, url] of urls) {
    if (url !== wanted) problems.push(`${where}: server.public_url is ${url}, people come by ${wanted}`);
  }
  for (const { metadata, spec } of of("HTTPRoute")) {
    const removed = spec.rules.map(({ filters = [] }) => filters.flatMap((filter) => filter.requestHeaderModifier?.remove ?? []));
    if (!removed.every((names) => names.includes("Forwarded"))) problems.push(`HTTPRoute/${metadata.name} hands on Forwarded of its clients`);
  }
  return problems;
}
