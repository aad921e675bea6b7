// A click is heard: while its answer takes long a bar says so, and `main` is busy.

import { awake, expect, repository, test } from "./support.ts";
import type { Page } from "@playwright/test";

/** Holds these requests back until they are let go. */
async function hold(page: Page, path: RegExp): Promise<() => void> {
  let go = () => {};
  const held = new Promise<void>((resolve) => { go = resolve; });
  await page.route(path, async (route) => {
    await held;
    await route.continue();
  });
  return go;
}

/** How much of the bar is seen. */
const bar = (page: Page) =>
  page.evaluate(() => {
    const style = getComputedStyle(document.documentElement, "::before");
    return style.content === "none" ? 0 : Number(style.opacity);
  });

async function waits(page: Page) {
  await expect(page.locator("#main")).toHaveAttribute("aria-busy", "true");
  await expect.poll(() => bar(page)).toBe(1);
}

async function rests(page: Page) {
  await expect(page.locator("#main")).not.toHaveAttribute("aria-busy");
  await expect.poll(() => bar(page)).toBe(0);
}

async function open(page: Page, path: string) {
  await page.goto(path);
  await awake(page);
  await rests(page);
}

test("a page that takes long", async ({ page }) => {
  await open(page, "/");
  const go = await hold(page, /\/ui\/repositories\?/);
  await page.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Repositories" }).click();
  await waits(page);
  go();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/repositories/i);
  await expect(page.getByRole("main").getByRole("table")).toContainText("home-cluster");
  await rests(page);
});

test("a page whose part takes long", async ({ page }) => {
  await open(page, "/");
  const go = await hold(page, /\.parts$/);
  await page.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Tasks" }).click();
  await waits(page);
  go();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/tasks/i);
  await rests(page);
});

test("a filter that takes long, and the last of two counts", async ({ page }) => {
  await open(page, "/resources");
  const first = await hold(page, /\/ui\/resources\?.*Deployment/);
  await page.getByLabel("Kind").selectOption("Deployment");
  await waits(page);
  await page.getByLabel("Kind").selectOption("HelmRelease");
  await expect(page).toHaveURL(/kind=HelmRelease/);
  await expect(page.getByRole("main").getByRole("table")).toContainText("HelmRelease");
  await rests(page);
  first();
  await page.waitForTimeout(300);
  await expect(page.getByRole("main").getByRole("table")).not.toContainText("Deployment");
});

test("a button that takes long", async ({ page, request }) => {
  const apps = await repository(request, "argo-apps");
  await open(page, `/repositories/${apps.id}`);
  const go = await hold(page, /\/ui\/request_sync/);
  const button = page.getByRole("button", { name: "Sync", exact: true });
  await button.click();
  await waits(page);
  await expect(button).toBeFocused();
  go();
  await rests(page);
});

test("a question that takes long, and a form of it", async ({ page, request }) => {
  const apps = await repository(request, "argo-apps");
  await open(page, `/repositories/${apps.id}`);
  const go = await hold(page, /\/ui\/confirm/);
  await page.getByRole("link", { name: "Block…" }).click();
  await expect.poll(() => bar(page)).toBe(1);
  go();
  await expect(page.getByRole("dialog")).toBeVisible();
  await expect.poll(() => bar(page)).toBe(0);
});

test("news are read without a word", async ({ page, request }) => {
  const apps = await repository(request, "argo-apps");
  await open(page, `/repositories/${apps.id}`);
  const go = await hold(page, /\/ui\/repository\?/);
  const asked = page.waitForRequest(/\/ui\/repository\?/);
  await request.post(`/api/v1/repositories/${apps.id}/sync`);
  await asked;
  await page.waitForTimeout(400);
  await rests(page);
  go();
});
