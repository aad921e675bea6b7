// What moves once the WebAssembly is there.

import { expect, repository, test } from "./support.ts";
import type { Page } from "@playwright/test";

/** Until the WebAssembly has taken over: a navigation then happens without a load. */
async function hydrated(page: Page) {
  await page.waitForLoadState("networkidle", { timeout: 4_000 }).catch(() => {});
}

test("a link leads on without a load", async ({ page }) => {
  await page.goto("/");
  await hydrated(page);
  await page.evaluate(() => ((window as unknown as { kept: boolean }).kept = true));
  await page.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Repositories" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/repositories/i);
  expect(await page.evaluate(() => (window as unknown as { kept?: boolean }).kept)).toBe(true);
});

test("a link that is followed while the page wakes is not lost", async ({ page, request }) => {
  // Days are computed some seconds after the last scan.
  await expect.poll(async () => (await request.get("/api/v1/ecosystem/latest")).status(), { timeout: 30_000 }).toBe(200);
  // As on a slow line: the page's part of the WebAssembly comes late.
  await page.route(/\.parts$/, async (route) => {
    await new Promise((late) => setTimeout(late, 1_500));
    await route.continue();
  });
  const asked = page.waitForRequest(/\.parts$/);
  await page.goto("/ecosystem");
  await asked;
  await page.waitForTimeout(500);
  await page.locator(".release-change").first().getByRole("link", { name: /^YAML/ }).click();
  await expect(page).toHaveURL(/change=/);
  await expect(page.locator(".diff-lines").first()).toBeVisible();
});

test("slash focuses the search, and it searches", async ({ page }) => {
  await page.goto("/repositories");
  await hydrated(page);
  await page.keyboard.press("/");
  const search = page.getByRole("banner").getByRole("searchbox");
  await expect(search).toBeFocused();
  await page.keyboard.type("cilium");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/resources\?.*cilium/);
  await expect(page.getByRole("main")).toContainText("cilium");
});

test("Ctrl-K focuses the search too", async ({ page }) => {
  await page.goto("/");
  await hydrated(page);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("banner").getByRole("searchbox")).toBeFocused();
});

test("the theme is switched at once and stays", async ({ page }) => {
  await page.goto("/");
  await hydrated(page);
  await page.getByRole("button", { name: "Dark theme" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.goto("/repositories");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByRole("button", { name: "Theme as the system" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "system");
});

test("tabs of a repository keep their state in the address", async ({ page, request }) => {
  const cluster = await repository(request, "home-cluster");
  await page.goto(`/repositories/${cluster.id}`);
  await hydrated(page);
  await page.getByRole("navigation", { name: "Views of the repository" }).getByRole("link", { name: /^Resources/ }).click();
  await expect(page).toHaveURL(/tab=resources/);
  await page.goBack();
  await expect(page).not.toHaveURL(/tab=resources/);
});

test("a filter narrows the list and shows as a chip that can be taken away", async ({ page }) => {
  await page.goto("/resources?kind=HelmRelease");
  await hydrated(page);
  const chip = page.getByRole("link", { name: /^Remove filter Kind/ });
  await chip.click();
  await expect(page).not.toHaveURL(/kind=HelmRelease/);
});

test("the pager turns pages by address", async ({ page }) => {
  await page.goto("/resources?per=10");
  await hydrated(page);
  const before = await page.getByRole("main").getByRole("table").first().innerText();
  await page.getByRole("navigation", { name: /^Pages of/ }).getByRole("link", { name: "Next page" }).click();
  await expect(page).toHaveURL(/page=2/);
  await expect.poll(() => page.getByRole("main").getByRole("table").first().innerText()).not.toBe(before);
});

test("Scan can be asked for and says how it goes", async ({ page, request }) => {
  const apps = await repository(request, "argo-apps");
  await page.goto(`/repositories/${apps.id}`);
  await hydrated(page);
  const asked = page.waitForResponse((response) => response.request().method() === "POST" && response.url().includes("/ui/"));
  await page.getByRole("button", { name: "Scan" }).click();
  expect((await asked).ok()).toBe(true);
  await expect(page.getByRole("main")).toContainText(/up to date|success|scanned/i, { timeout: 20_000 });
});

test("every control on the list of repositories is reached by the keyboard", async ({ page }) => {
  await page.goto("/repositories");
  await hydrated(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: /skip/i })).toBeFocused();
  const reached = new Set<string>();
  for (let i = 0; i < 60; i += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement?.getAttribute("href") ?? document.activeElement?.getAttribute("name") ?? ""));
  }
  expect([...reached].some((href) => href.startsWith("/repositories/"))).toBe(true);
});

test("the menu of a phone opens and closes by keys, and covers what lies behind it", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/");
  await page.waitForLoadState("networkidle", { timeout: 4_000 }).catch(() => {});
  const [menu, search] = [page.getByLabel("Show the menu"), page.locator("#search")];
  const link = page.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Ecosystem" });
  await menu.focus();
  await page.keyboard.press("Enter");
  await expect(link).toBeVisible();
  await search.evaluate((field) => { field.focus(); });
  await expect(search).not.toBeFocused();
  await page.keyboard.press("Escape");
  await expect(link).toBeHidden();
  await expect(menu).toBeFocused();
  await search.focus();
  await expect(search).toBeFocused();
});
