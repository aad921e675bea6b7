// A server that watches the branches of one repository, and pushes to that.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, type APIRequestContext } from "@playwright/test";
import { Place, freePort, signIn } from "./program.ts";

export interface Watching {
  place: Place;
  site: string;
  signedIn: Awaited<ReturnType<typeof signIn>>;
  /** The repository's id. */
  id: string;
  /** Where it is served. */
  remote: string;
  /** Commits to a branch and pushes it; the new commit. */
  push: (branch: string, file: string) => string;
  /** Takes a branch away. */
  remove: (branch: string) => void;
}

/**
 * Serves a repository with some branches, and adds it, so that people may choose which of them are watched. `more` is what the
 * configuration says of the place that it is served at.
 */
export async function begin(
  name: string,
  newContext: (options: object) => Promise<APIRequestContext>,
  more: (remote: string) => string = () => "",
): Promise<Watching> {
  const place = new Place(name);
  const served = join(place.folder, "forge", "ada", "cluster.git");
  const work = join(place.folder, "work");
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", work, "-c", "user.name=ada", "-c", "user.email=ada@example.com", ...args], { stdio: "pipe" }).toString().trim();
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", served]);
  execFileSync("git", ["clone", "--quiet", served, work], { stdio: "pipe" });
  const push = (branch: string, file: string) => {
    const path = join(work, "apps", file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${file.replace(/\W/g, "-")} }\n`);
    git("add", "--all");
    git("commit", "--message", `Add ${file}`);
    git("push", "--quiet", "origin", `HEAD:refs/heads/${branch}`);
    return git("rev-parse", "HEAD");
  };
  for (const [branch, file] of [["main", "first.yaml"], ["release/1", "second.yaml"], ["feature/ü", "third.yaml"]]) push(branch, file);
  const port = await freePort();
  const site = `http://127.0.0.1:${port}`;
  const { git: remote } = await place.forge(join(place.folder, "forge"));
  await place.serve(`
app: { listen: "127.0.0.1:${port}", samples: never }
server: { public_url: "http://127.0.0.1:${port}" }
security: { allowed_networks: [127.0.0.0/8], require_https: false }
${more(remote)}
`);
  const signedIn = await signIn(site);
  const request = await newContext({ baseURL: site, storageState: signedIn });
  const added = await request.post("/api/v1/repositories/", { data: { urls: [`${remote}/ada/cluster.git`] } });
  const id = ((await added.json()) as { data: { repository_id: string }[] }).data[0].repository_id;
  await expect
    .poll(async () => ((await (await request.get(`/api/v1/repositories/${id}`)).json()) as { scan_status: string }).scan_status, { timeout: 60_000 })
    .toBe("success");
  await request.dispose();
  return { place, site, signedIn, id, remote, push, remove: (branch) => void git("push", "--quiet", "origin", "--delete", branch) };
}

/** Asks for a sync and waits until so many events are noted. */
export async function noted(request: APIRequestContext, { site, id }: Watching, events: number): Promise<void> {
  expect((await request.post(`${site}/api/v1/repositories/${id}/sync`)).status()).toBe(202);
  await expect
    .poll(async () => ((await (await request.get(`${site}/api/v1/branch-events`)).json()) as { count: number }).count, { timeout: 60_000 })
    .toBe(events);
}

/** Names of the repository's branches that are known. */
export async function known(request: APIRequestContext, { site, id }: Watching, query = ""): Promise<string[]> {
  const answer = await request.get(`${site}/api/v1/repositories/${id}/branches${query}`);
  return ((await answer.json()) as { data: { name: string }[] }).data.map(({ name }) => name).sort();
}
