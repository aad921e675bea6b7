// What can be done with repositories: add, approve, block, delete, many at once; and why one is not here. On a server of
// their own, which searches a stand-in forge, as these tests take away what others look at.

import { Place, freePort, signIn } from "./program.ts";
import type { APIRequestContext, Page } from "@playwright/test";
import { awake, expect, test, violations } from "./support.ts";

interface Row { id: string; full_name: string; sync_status: string; sync_error: string | null }

let place: Place;
let site: string;
let signedIn: Awaited<ReturnType<typeof signIn>>;

test.use({ storageState: async ({}, use) => use(signedIn) });

test.describe.configure({ mode: "serial" });

test.beforeAll(async ({ playwright }) => {
  place = new Place("repositories");
  const port = await freePort();
  site = `http://127.0.0.1:${port}`;
  const samples = new URL("../../server/samples", import.meta.url).pathname;
  const { github } = await place.forge(samples, ["--generate", "120"]);
  // Years of pushes are let in: what the forge makes up does not know today's date.
  await place.serve(`
app: { listen: "127.0.0.1:${port}", samples: never }
security: { allowed_networks: [127.0.0.0/8] }
scan: { max_repository_size_mb: 12 }
discovery:
  topics: [kubesearch]
  max_age: 36500d
  block: ["*/infra", "spam/*"]
  forges:
    - { url: "${github}", api_base_url: "${github}", provider: github, token: standin-token-one }
`);
  signedIn = await signIn(site);
  const request = await playwright.request.newContext({ baseURL: site, storageState: signedIn });
  expect((await request.post("/api/v1/repositories/discover")).status()).toBe(202);
  await expect
    .poll(async () => ((await (await request.get("/api/v1/discovery")).json()) as { last: unknown }).last !== null, { timeout: 60_000 })
    .toBe(true);
  await request.dispose();
});

test.afterAll(() => place.end());

async function rows(request: APIRequestContext, query = ""): Promise<Row[]> {
  return ((await (await request.get(`${site}/api/v1/repositories/?limit=500${query}`)).json()) as { data: Row[] }).data;
}

async function state(request: APIRequestContext, id: string): Promise<string | undefined> {
  const answer = await request.get(`${site}/api/v1/repositories/${id}`);
  return answer.ok() ? ((await answer.json()) as Row).sync_status : undefined;
}

/** Adds a repository at a literal public address: no name is asked for, and its sync fails where there is no network. */
async function added(request: APIRequestContext, name: string): Promise<string> {
  const answer = await request.post(`${site}/api/v1/repositories/`, { data: { urls: [`https://140.82.121.3/${name}`] } });
  return ((await answer.json()) as { data: { repository_id: string }[] }).data[0].repository_id;
}

/** Opens a page and waits until its scripts run, where there are any. */
async function open(page: Page, path: string, script: boolean | undefined) {
  await page.goto(`${site}${path}`);
  if (script !== false) await awake(page);
}

/** The question, wherever it is asked. */
const question = (page: Page, script: boolean | undefined) =>
  script === false ? page.getByRole("main").locator(".step") : page.getByRole("dialog");

const told = (page: Page) => page.getByRole("main").locator(".outcome");

test("addresses are added from a list, and each line is answered", async ({ page, javaScriptEnabled }) => {
  await open(page, "/repositories", javaScriptEnabled);
  await page.getByRole("link", { name: "Add repository" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Add repositories");
  const mark = javaScriptEnabled === false ? "plain" : "script";
  const field = page.getByLabel("Addresses, one on each line");
  await field.fill(`https://140.82.121.3/ada/${mark}\nnonsense\nhttps://10.0.0.1/a/b\nhttps://140.82.121.3/spam/b\nhttps://140.82.121.3/Ada/${mark}.git`);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const answers = page.getByRole("status", { name: "What came of it" });
  await expect(answers.getByRole("heading")).toHaveText("1 repository added, 1 already here, 3 refused");
  const line = (text: string) => answers.getByRole("listitem").filter({ hasText: text });
  await expect(line("nonsense")).toContainText("Not usable");
  await expect(line("10.0.0.1")).toContainText("security.allowed_networks");
  await expect(line("spam/b")).toContainText("discovery.block has spam/*");
  await expect(line("Twice in the list")).toHaveCount(1);
  // What can be mended stands in the field again.
  await expect(field).toHaveValue("nonsense\nhttps://10.0.0.1/a/b");
  await line("Added").getByRole("link").click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`ada/${mark}`);
});

test("one is blocked after a question, let in again, and deleted for good", async ({ page, request, forgive, javaScriptEnabled: script }) => {
  const name = `ben/one-${script === false ? "plain" : "script"}`;
  const id = await added(request, name);
  await open(page, `/repositories/${id}`, script);
  await page.getByRole("link", { name: "Block…" }).click();
  await expect(question(page, script)).toContainText(`Block ${name}?`);
  if (script !== false) {
    // The question is left without an answer.
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect(page.getByRole("link", { name: "Block…" })).toBeFocused();
    await page.getByRole("link", { name: "Block…" }).click();
    await expect(question(page, script).getByRole("link", { name: "Cancel" })).toBeFocused();
  }
  await question(page, script).getByRole("button", { name: `Block ${name}` }).click();
  await expect(told(page)).toContainText(`${name} is blocked: nothing new is fetched`);
  expect(await state(request, id)).toBe("blocked");
  await page.getByRole("button", { name: "Unblock" }).click();
  await expect(told(page)).toContainText(`${name} is let in`);
  expect(await state(request, id)).not.toBe("blocked");

  await page.getByRole("link", { name: "Delete…" }).click();
  await expect(question(page, script)).toContainText("Searches do not bring back what was deleted here");
  await question(page, script).getByRole("button", { name: `Delete ${name}` }).click();
  await expect(page).toHaveURL(/\/repositories\?outcome=/);
  await expect(told(page)).toContainText(`${name} is deleted, and searches do not bring it back`);
  expect(await state(request, id)).toBeUndefined();
  // Its page may have asked for news in the moment before it was left.
  forgive(/status of 404.*\/ui\/repository\?/);
});

test("what discovery found stays deleted, and coverage says so", async ({ page, request, javaScriptEnabled: script }) => {
  const victim = (await rows(request, "&status=success")).find((row) => !row.full_name.startsWith("samples/"));
  if (!victim) throw new Error("discovery took nothing in");
  await open(page, `/repositories/confirm?act=delete&id[]=${victim.id}`, script);
  await page.getByRole("button", { name: /^Delete/ }).click();
  await expect(told(page)).toContainText(victim.full_name);
  const before = ((await (await request.get(`${site}/api/v1/discovery`)).json()) as { last: { id: string } }).last.id;
  await open(page, "/repositories/coverage", script);
  await page.getByRole("button", { name: "Search now" }).click();
  await expect(told(page)).toContainText("Discovery is queued");
  await expect
    .poll(async () => ((await (await request.get(`${site}/api/v1/discovery`)).json()) as { last: { id: string } }).last.id, { timeout: 60_000 })
    .not.toBe(before);
  expect((await rows(request)).map((row) => row.full_name)).not.toContain(victim.full_name);
  await page.getByLabel("Owner and name, or address").fill(victim.full_name);
  await page.getByRole("button", { name: "Ask" }).click();
  await expect(page.locator(".why").first()).toContainText("somebody deleted it here");
  await expect(page.getByRole("table", { name: "Found and left out" })).toContainText("deleted here");
});

test("what waits for approval is let in from the list", async ({ page, request, javaScriptEnabled: script }) => {
  const [large] = await rows(request, "&status=pending_approval");
  await open(page, "/repositories?status=pending_approval", script);
  await page.getByRole("checkbox", { name: large.full_name }).check();
  await page.getByRole("button", { name: "Approve" }).click();
  await expect(told(page)).toContainText(`${large.full_name} is let in, and a sync is queued`);
  await expect(page).toHaveURL(/status=pending_approval/);
  expect(await state(request, large.id)).not.toBe("pending_approval");
});

test("many are selected, counted, and blocked at once", async ({ page, request, javaScriptEnabled: script }) => {
  const text = script === false ? "cleo/plain" : "cleo/script";
  const ids = [];
  for (const n of [1, 2, 3]) ids.push(await added(request, `${text}-${n}`));
  await open(page, `/repositories?text=${text}`, script);
  const bar = page.getByRole("form", { name: "With those that are selected" });
  await expect(bar).toBeHidden();
  const boxes = page.getByRole("checkbox", { name: /^cleo/ });
  if (script === false) {
    for (const box of await boxes.all()) await box.check();
  } else {
    await boxes.first().check();
    await expect(bar).toContainText("1 selected");
    await page.getByRole("checkbox", { name: "Select all on this page" }).check();
    await expect(bar).toContainText("3 selected");
  }
  await bar.getByRole("button", { name: "Block…" }).click();
  await expect(question(page, script)).toContainText("Block 3 repositories?");
  for (const n of [1, 2, 3]) await expect(question(page, script)).toContainText(`${text}-${n}`);
  await question(page, script).getByRole("button", { name: "Block 3 repositories" }).click();
  await expect(told(page)).toContainText("3 repositories are blocked");
  for (const id of ids) expect(await state(request, id)).toBe("blocked");
  await expect(page).toHaveURL(/text=cleo/);
  await expect(bar).toBeHidden();
  // Syncs of what is blocked are refused, each with the reason.
  await boxes.first().check();
  await bar.getByRole("button", { name: "Sync" }).click();
  await expect(told(page)).toContainText("Nothing was done.");
  await expect(told(page)).toContainText("is blocked; approve it");
});

test("a tick stays with its repository when rows come anew", async ({ page, request, javaScriptEnabled: script }) => {
  test.skip(script === false, "rows only come anew where scripts run");
  const id = await added(request, "dora/zz-last");
  await open(page, "/repositories?text=dora&sort=name", script);
  const box = page.getByRole("checkbox", { name: "dora/zz-last" });
  await box.check();
  await added(request, "dora/aa-first");
  await expect(page.getByRole("checkbox", { name: "dora/aa-first" })).toBeVisible();
  await expect(box).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "dora/aa-first" })).not.toBeChecked();
  await expect(page.getByRole("form", { name: "With those that are selected" })).toContainText("1 selected");
  expect(await box.getAttribute("value")).toBe(id);
});

test("what is typed before the page is awake stays, and is sent", async ({ page, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled === false, "nothing wakes");
  let wake = () => {};
  const asleep = new Promise<void>((resolve) => { wake = resolve; });
  await page.route("**/*.wasm", async (route) => { await asleep; await route.continue(); });
  await page.goto(`${site}/repositories/add`, { waitUntil: "commit" });
  const field = page.getByLabel("Addresses, one on each line");
  await field.fill("nonsense");
  wake();
  await awake(page);
  await expect(field).toHaveValue("nonsense");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("status", { name: "What came of it" }).getByRole("heading")).toContainText("1 refused");
});

test("what is being typed stays when rows come anew", async ({ page, request, javaScriptEnabled: script }) => {
  test.skip(script === false, "rows only come anew where scripts run");
  await open(page, "/repositories?sort=name&per=10", script);
  const field = page.getByRole("searchbox", { name: "Name or description" });
  await field.pressSequentially("half a w");
  await added(request, "aaa/first-of-all");
  await expect(page.getByRole("checkbox", { name: "aaa/first-of-all" })).toBeVisible();
  await expect(field).toHaveValue("half a w");
  await expect(field).toBeFocused();
});

test("a sync of all says of how many", async ({ page, javaScriptEnabled: script }) => {
  await open(page, "/repositories", script);
  await page.getByRole("button", { name: "Sync all" }).click();
  await expect(told(page)).toContainText(/A sync of \d+ repositories is queued/);
  await told(page).getByRole("link", { name: "See how it goes" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sync all");
});

test("coverage tells what is searched, what was left out and why", async ({ page, request, javaScriptEnabled: script }) => {
  const coverage = (await (await request.get(`${site}/api/v1/discovery`)).json()) as {
    last: { found: number }; by_reason: { reason: string; count: number }[]; rejected: { data: { full_name: string; detail: string }[] };
  };
  expect(coverage.by_reason.map((reason) => reason.reason)).toContain("archived");
  await open(page, "/repositories", script);
  await page.getByRole("link", { name: "Why is one not here?" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Coverage");
  const searches = page.getByRole("table", { name: "Searches", exact: true });
  await expect(searches).toContainText("topic:kubesearch");
  await expect(searches).toContainText("Whole");
  await expect(page.getByRole("main")).toContainText(String(coverage.last.found));
  const archived = (await (await request.get(`${site}/api/v1/discovery?reason=archived`)).json()) as typeof coverage;
  const one = archived.rejected.data[0];
  await open(page, `/repositories/coverage?reason=archived&text=${encodeURIComponent(one.full_name)}`, script);
  await expect(page.getByRole("table", { name: "Found and left out" })).toContainText(one.detail);
  await page.getByLabel("Owner and name, or address").fill(one.full_name);
  await page.getByRole("button", { name: "Ask" }).click();
  await expect(page.locator(".why").first()).toContainText("it is archived");
  await expect(page).toHaveURL(/reason=archived/);
  await page.locator(".why").first().getByRole("link", { name: "Add it" }).click();
  await expect(page.getByLabel("Addresses, one on each line")).toHaveValue(new RegExp(one.full_name));
});

test("axe finds nothing on these pages, with rows selected and a question open", async ({ page, javaScriptEnabled: script }) => {
  test.skip(script === false, "axe is a script");
  const found: string[] = [];
  const check = async (name: string) => found.push(...(await violations(page)).map((line) => `${name}: ${line}`));
  for (const path of ["/repositories/add", "/repositories/coverage?why=ada/none", "/repositories/confirm", "/repositories"]) {
    await open(page, path, script);
    await check(path);
  }
  await page.getByRole("checkbox", { name: "Select all on this page" }).check();
  await check("selected");
  await page.getByRole("button", { name: "Delete…" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await check("question");
  expect(found).toEqual([]);
});
