// Pages follow what happens without a reload.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { Place, freePort, signIn } from "./program.ts";
import { awake, expect, test } from "./support.ts";

let place: Place;
let site: string;
let signedIn: Awaited<ReturnType<typeof signIn>>;

test.use({ storageState: async ({}, use) => use(signedIn) });
let work: string;

/** Changes files of the repository that the forge serves, and pushes them. */
function push(message: string, files: Record<string, string>) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(work, path)), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", work, "-c", "user.name=ada", "-c", "user.email=ada@example.com", ...args], { stdio: "pipe" });
  git("add", "--all");
  git("commit", "--message", message);
  git("push", "--quiet", "origin", "HEAD:main");
}

const release = (version: string) => `
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: { name: podinfo, namespace: web }
spec:
  interval: 10m
  chart: { spec: { chart: podinfo, version: ${version}, sourceRef: { kind: HelmRepository, name: podinfo } } }
`;

const settings = (name: string) => `
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: web }
data: { greeting: hello }
`;

test.beforeAll(async ({ playwright }) => {
  place = new Place("live");
  const served = join(place.folder, "forge", "ada", "cluster.git");
  work = join(place.folder, "work");
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", served]);
  execFileSync("git", ["clone", "--quiet", served, work], { stdio: "pipe" });
  push("Begin", { "apps/podinfo.yaml": release("6.5.0"), "apps/first.yaml": settings("first") });
  const port = await freePort();
  site = `http://127.0.0.1:${port}`;
  const { git } = await place.forge(join(place.folder, "forge"));
  await place.serve(`
app: { listen: "127.0.0.1:${port}", samples: never }
security: { allowed_networks: [127.0.0.0/8], require_https: false }
repositories:
  - url: ${git}/ada/cluster.git
`);
  signedIn = await signIn(site);
  const request = await playwright.request.newContext({ baseURL: site });
  await expect
    .poll(async () => (await repositories(request)).map(({ scan_status }) => scan_status), { timeout: 60_000 })
    .toEqual(["success"]);
  await request.dispose();
});

test.afterAll(() => place.end());

type Get = { get(url: string): Promise<{ json(): Promise<unknown> }> };

async function repositories(request: Get): Promise<{ id: string; scan_status: string }[]> {
  return ((await (await request.get(`${site}/api/v1/repositories/`)).json()) as { data: { id: string; scan_status: string }[] }).data;
}

test("what is pushed shows on every open page that tells of it, without a reload", async ({ context, request }) => {
  const [cluster] = await repositories(request);
  if (!cluster) throw new Error("the repository is not there");
  const open = async (path: string) => {
    const page = await context.newPage();
    await page.goto(site + path);
    await awake(page);
    await page.evaluate(() => ((window as unknown as { kept: boolean }).kept = true));
    return page;
  };
  const resources = await open(`/repositories/${cluster.id}?tab=resources&view=table`);
  const events = await open(`/repositories/${cluster.id}?tab=events`);
  const everywhere = await open("/resources?kind=ConfigMap");
  const row = (name: string) => resources.getByRole("main").getByRole("row").filter({ hasText: name });
  await expect(row("podinfo")).toContainText("6.5.0");
  await expect(row("second")).toHaveCount(0);

  push("Upgrade podinfo", { "apps/podinfo.yaml": release("6.6.1"), "apps/second.yaml": settings("second") });
  expect((await request.post(`${site}/api/v1/repositories/${cluster.id}/sync`)).status()).toBe(202);

  await expect(row("podinfo")).toContainText("6.6.1", { timeout: 60_000 });
  await expect(row("second")).toHaveCount(1);
  await expect(events.getByRole("main")).toContainText("Upgrade podinfo");
  await expect(events.getByRole("main")).toContainText("6.6.1");
  await expect(everywhere.getByRole("main").getByRole("row").filter({ hasText: "second" })).toHaveCount(1);
  for (const page of [resources, events, everywhere]) {
    expect(await page.evaluate(() => (window as unknown as { kept?: boolean }).kept)).toBe(true);
  }
});
