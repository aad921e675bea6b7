// News reach all tabs of a browser over one line: over HTTP/1.1 a line for each tab would stop the seventh for ever.

import { door } from "./program.ts";
import { awake, expect, repository, run, test } from "./support.ts";
import type { APIRequestContext, BrowserContext, Page } from "@playwright/test";

let front: Awaited<ReturnType<typeof door>>;

test.beforeEach(async ({ baseURL }) => {
  if (!baseURL) throw new Error("the tests have no server");
  front = await door(baseURL);
});

test.afterEach(() => front.close());

/** Opens a page in so many tabs, awake. */
async function open(context: BrowserContext, count: number, path: string): Promise<Page[]> {
  const tabs: Page[] = [];
  for (let i = 0; i < count; i += 1) {
    const tab = await context.newPage();
    await tab.goto(front.url + path);
    await awake(tab);
    tabs.push(tab);
  }
  return tabs;
}

/** When the repository was synced last, as each tab shows it. */
const shown = (tab: Page) => tab.locator(".fact", { hasText: "synced" }).locator("time").getAttribute("datetime");

async function synced(request: APIRequestContext, id: string): Promise<number> {
  // Pages tell times to the second.
  return Math.floor(Date.parse((await (await request.get(`/api/v1/repositories/${id}`)).json()).last_sync_at) / 1000) * 1000;
}

/** All these tabs show the newest sync, without a load; or one that came meanwhile, since others ask for syncs too. */
async function follow(tabs: Page[], request: APIRequestContext, id: string) {
  const time = await synced(request, id);
  for (const tab of tabs) {
    await expect.poll(async () => Date.parse((await shown(tab)) ?? ""), { timeout: 60_000 }).toBeGreaterThanOrEqual(time);
  }
}

/** What a browser says to a page that is covered, and that is seen again. */
async function look(tab: Page, seen: boolean) {
  await tab.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (hidden ? "hidden" : "visible") });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, !seen);
}

test("ten open tabs share one line, and a click is answered in each", async ({ context }) => {
  const tabs = await open(context, 10, "/");
  await expect.poll(front.lines).toBe(1);
  for (const tab of tabs) {
    await tab.evaluate(() => ((window as unknown as { kept: boolean }).kept = true));
    await tab.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Repositories" }).click();
    await expect(tab.getByRole("heading", { level: 1 })).toHaveText(/repositories/i);
    expect(await tab.evaluate(() => (window as unknown as { kept?: boolean }).kept)).toBe(true);
  }
  expect(front.lines()).toBe(1);
});

test("what happens shows in every tab that is seen, whichever is closed", async ({ context, request }) => {
  const apps = await repository(request, "argo-apps");
  const tabs = await open(context, 3, `/repositories/${apps.id}`);
  await expect.poll(front.lines).toBe(1);
  await run(request, apps);
  await follow(tabs, request, apps.id);
  // The first one to come began the line.
  await tabs[0].close();
  await run(request, apps);
  await follow(tabs.slice(1), request, apps.id);
  expect(front.lines()).toBe(1);
});

test("there is no line while no tab is seen, and what was missed is read when one is", async ({ context, request }) => {
  const apps = await repository(request, "argo-apps");
  const tabs = await open(context, 2, `/repositories/${apps.id}`);
  await expect.poll(front.lines).toBe(1);
  await look(tabs[0], false);
  await new Promise((enough) => setTimeout(enough, 1_500));
  expect(front.lines(), "the other one is seen").toBe(1);
  await look(tabs[1], false);
  await expect.poll(front.lines).toBe(0);
  const before = await shown(tabs[1]);
  await run(request, apps);
  expect(await shown(tabs[1])).toBe(before);
  await look(tabs[1], true);
  await expect.poll(front.lines).toBe(1);
  await follow([tabs[1]], request, apps.id);
});

test("a browser without shared workers has a line for the tab that is seen", async ({ context, request }) => {
  await context.addInitScript(() => { Reflect.deleteProperty(globalThis, "SharedWorker"); });
  const apps = await repository(request, "argo-apps");
  const [tab] = await open(context, 1, `/repositories/${apps.id}`);
  await expect.poll(front.lines).toBe(1);
  await run(request, apps);
  await follow([tab], request, apps.id);
  await look(tab, false);
  await expect.poll(front.lines).toBe(0);
});
