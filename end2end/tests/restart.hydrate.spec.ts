// A tab that is open while the server stops, comes back, or comes back as a newer build; and parts that can't be had.

import type { ChildProcess } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Place, freePort, signIn } from "./program.ts";
import { awake, expect, test } from "./support.ts";
import type { Page } from "@playwright/test";

let place: Place;
let site: string;
let signedIn: Awaited<ReturnType<typeof signIn>>;

test.use({ storageState: async ({}, use) => use(signedIn) });
let config: string;
let server: ChildProcess;

test.describe.configure({ mode: "serial" });

test.beforeAll(async ({ playwright }) => {
  place = new Place("restart");
  const port = await freePort();
  site = `http://127.0.0.1:${port}`;
  config = `app: { listen: "127.0.0.1:${port}" }\n`;
  server = await place.serve(config);
  signedIn = await signIn(site);
  const request = await playwright.request.newContext({ baseURL: site });
  await expect
    .poll(async () => {
      const { data } = (await (await request.get("/api/v1/repositories/")).json()) as { data: { scan_status: string }[] };
      return data.length > 0 && data.every(({ scan_status }) => scan_status === "success");
    }, { timeout: 60_000 })
    .toBe(true);
  await request.dispose();
});

test.afterAll(() => place.end());

/** Opens a page, awake and marked, so that a load is told from a navigation. */
async function open(page: Page, path: string) {
  await page.goto(site + path);
  await awake(page);
  await page.evaluate(() => ((window as unknown as { kept: boolean }).kept = true));
}

const kept = (page: Page) => page.evaluate(() => Boolean((window as unknown as { kept?: boolean }).kept));
const rail = (page: Page, name: string) => page.getByRole("navigation", { name: "Site" }).getByRole("link", { name });
const heading = (page: Page) => page.getByRole("heading", { level: 1 });
const told = (page: Page) => page.locator(".connection");

test("a stopped server is told in a quiet line that moves nothing, and it goes once the server is back", async ({ page, forgive }) => {
  await open(page, "/repositories");
  await expect(told(page)).toHaveText("");
  const before = await page.locator("main table").boundingBox();
  await place.stop(server);
  await expect(told(page)).toHaveText("Not connected, trying again", { timeout: 60_000 });
  expect(await page.locator("main table").boundingBox()).toEqual(before);
  // What was read stays.
  await expect(page.getByRole("main")).toContainText("home-cluster");
  server = await place.serve(config);
  await expect(told(page)).toHaveText("", { timeout: 60_000 });
  await rail(page, "Tasks").click();
  await expect(heading(page)).toHaveText(/tasks/i);
  expect(await kept(page), "the same build goes on without a load").toBe(true);
  forgive(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
});

test("an answer that can't be had is said in words, with a way on, and heals with the next try", async ({ page, forgive }) => {
  await open(page, "/repositories");
  await page.route(/\/ui\/repositories\?/, (route) => route.abort("connectionrefused"));
  await page.getByRole("main").getByLabel(/search|name/i).first().fill("cluster");
  await page.keyboard.press("Enter");
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("could not be read");
  await expect(alert).toContainText("The server could not be reached.");
  await page.unroute(/\/ui\/repositories\?/);
  await alert.getByRole("link", { name: "Try again" }).click();
  await expect(page.getByRole("main").getByRole("table")).toContainText("home-cluster");
  expect(await kept(page)).toBe(true);
  forgive(/ERR_CONNECTION_REFUSED/);
});

test("news that can't be had do not take away what is shown", async ({ page, forgive, request }) => {
  await open(page, "/repositories");
  let asked = 0;
  await page.route(/\/ui\/(repositories|system_state)/, (route) => {
    asked += 1;
    return route.abort("connectionrefused");
  });
  const { data } = (await (await request.get(`${site}/api/v1/repositories/`)).json()) as { data: { id: string }[] };
  await request.post(`${site}/api/v1/repositories/${data[0].id}/sync`);
  await expect.poll(() => asked, { timeout: 60_000 }).toBeGreaterThan(1);
  await page.waitForTimeout(500);
  await expect(page.getByRole("main").getByRole("table")).toContainText("home-cluster");
  await expect(page.getByRole("alert")).toHaveCount(0);
  await expect(page.locator(".system-line")).not.toContainText("not known");
  forgive(/ERR_CONNECTION_REFUSED/);
});

for (const [how, answer] of [
  ["404", { status: 404, body: "" }],
  ["500", { status: 500, body: "" }],
  ["no connection", "abort"],
  ["never", "never"],
] as const) {
  test(`a part that is answered by ${how} becomes a load of that page, and links go on`, async ({ page, forgive }) => {
    await open(page, "/");
    // The overview's own part is there; all others fail from now on.
    await page.route(/\.parts$/, async (route) => {
      if (answer === "abort") await route.abort("connectionreset");
      else if (answer !== "never") await route.fulfill(answer);
    });
    await rail(page, "Repositories").click();
    await expect(page).toHaveURL(`${site}/repositories`, { timeout: 60_000 });
    await expect(page.getByRole("main").getByRole("table")).toContainText("home-cluster");
    expect(await kept(page)).toBe(false);
    // This page does not wake, yet reads, and its links lead on: address, rail and page agree.
    await rail(page, "Tasks").click();
    await expect(page).toHaveURL(`${site}/tasks`, { timeout: 60_000 });
    await expect(heading(page)).toHaveText(/tasks/i);
    await expect(rail(page, "Tasks")).toHaveAttribute("aria-current", "page");
    await page.goBack();
    await expect(heading(page)).toHaveText(/repositories/i);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    forgive(/\.parts|split module|status of (404|500)|ERR_CONNECTION_RESET|TimeoutError|AbortError|signal timed out|Failed to fetch/);
  });
}

test("going back to a page whose part can't be had any more loads it", async ({ page }) => {
  await open(page, "/tasks");
  await rail(page, "Repositories").click();
  await expect(heading(page)).toHaveText(/repositories/i);
  // The server is of another build from now on, as far as this page can tell.
  await page.route(/\/ui\//, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, headers: { ...answer.headers(), "kubestats-build": "another" } });
  });
  await page.goBack();
  await expect(page).toHaveURL(`${site}/tasks`);
  await expect(heading(page)).toHaveText(/tasks/i);
  await expect.poll(() => kept(page)).toBe(false);
});

test("a newer build is noticed, and the next navigation is a load", async ({ page, forgive }) => {
  await open(page, "/repositories");
  const build = await page.locator("html").getAttribute("data-build");
  const newer = join(place.folder, "site");
  cpSync(process.env.KUBESTATS_SITE_DIR ?? "", newer, { recursive: true });
  const manifest = join(newer, "manifest.json");
  writeFileSync(join(newer, "news.txt"), "newer");
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, "utf8")), "news.txt": "news.txt" }));
  await place.stop(server);
  server = await place.serve(config, { KUBESTATS_SITE_DIR: newer });
  await expect(told(page)).toHaveText(/Kubestats was updated/, { timeout: 60_000 });
  expect(await kept(page), "nothing is loaded under the reader's eyes").toBe(true);
  await rail(page, "Tasks").click();
  await expect(page).toHaveURL(`${site}/tasks`);
  await expect(heading(page)).toHaveText(/tasks/i);
  expect(await kept(page)).toBe(false);
  expect(await page.locator("html").getAttribute("data-build")).not.toBe(build);
  await expect(told(page)).toHaveText("");
  forgive(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
});
