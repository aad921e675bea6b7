// What moves once the WebAssembly is there.

import { awake, expect, repository, resource, test } from "./support.ts";
import type { Page } from "@playwright/test";

test("a link leads on without a load", async ({ page }) => {
  await page.goto("/");
  await awake(page);
  await page.evaluate(() => ((window as unknown as { kept: boolean }).kept = true));
  await page.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Repositories" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/repositories/i);
  expect(await page.evaluate(() => (window as unknown as { kept?: boolean }).kept)).toBe(true);
});

/** Opens a page as on a slow line: its links are heard, and its own part of the WebAssembly comes once it is let go. */
async function waking(page: Page, path: string): Promise<() => void> {
  let go = () => {};
  const held = new Promise<void>((resolve) => { go = resolve; });
  await page.route(/\.parts$/, async (route) => {
    await held;
    await route.continue();
  });
  const asked = page.waitForRequest(/\.parts$/);
  await page.goto(path, { waitUntil: "commit" });
  await asked;
  await page.waitForTimeout(500);
  return go;
}

test("a link that is followed while the page wakes is not lost", async ({ page, request }) => {
  // Days are computed some seconds after the last scan.
  await expect.poll(async () => (await request.get("/api/v1/ecosystem/latest")).status(), { timeout: 60_000 }).toBe(200);
  const go = await waking(page, "/ecosystem");
  await page.locator(".release-change").first().getByRole("link", { name: /^YAML/ }).click();
  await expect(page).toHaveURL(/change=/);
  go();
  await expect(page.locator(".diff-lines").first()).toBeVisible();
});

test("a tab's day field carries what was chosen while the page woke", async ({ page, request }) => {
  const cluster = await repository(request, "home-cluster");
  const go = await waking(page, `/repositories/${cluster.id}?tab=charts`);
  const main = page.getByRole("main");
  const images = main.getByRole("navigation", { name: "Charts or images" }).getByRole("link", { name: /^Images/ });
  await images.click();
  await expect(page).toHaveURL(/view=images/);
  go();
  await expect(images).toHaveAttribute("aria-current", "page");
  await awake(page);
  await main.getByLabel("As of").fill("2026-08-01");
  await expect(page).toHaveURL(/tab=charts&view=images&at=2026-08-01/);
  await expect(main).toContainText("As it was on");
});

test("a resource that is led back to now while its page wakes is shown as it is now", async ({ page, request }) => {
  const cluster = await repository(request, "home-cluster");
  const release = await resource(request, cluster, "HelmRelease", "home-assistant");
  const go = await waking(page, `/resources/${release.id}?at=2026-08-01`);
  const main = page.getByRole("main");
  await expect(main.getByLabel("As of")).toHaveValue("2026-08-01");
  await main.getByRole("link", { name: "Show it as it is now" }).click();
  await expect(page).not.toHaveURL(/at=/);
  go();
  await expect(main.getByRole("link", { name: "Show it as it is now" })).toHaveCount(0);
  await expect(main.getByLabel("As of")).toHaveValue("");
  await awake(page);
});

test("a page that shares its part with others wakes as itself, though one of them was asked for meanwhile", async ({ page }) => {
  const go = await waking(page, "/admin/users");
  const tabs = page.getByRole("navigation", { name: "Administration" });
  await tabs.getByRole("link", { name: "Roles" }).click();
  go();
  await expect(page).toHaveURL(/\/admin\/roles$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Roles");
  await awake(page);
});

test("a page that is left asks nothing of the next one's address", async ({ page, request }) => {
  const cluster = await repository(request, "home-cluster");
  await page.goto(`/repositories/${cluster.id}`);
  await awake(page);
  // The page stays in sight meanwhile.
  await page.route(/\.parts$/, async (route) => {
    await new Promise((late) => setTimeout(late, 1_000));
    await route.continue();
  });
  const asked: string[] = [];
  page.on("request", (request) => request.url().includes("cilium") && asked.push(new URL(request.url()).pathname));
  const search = page.getByRole("banner").getByRole("searchbox");
  await search.fill("cilium");
  await search.press("Enter");
  await expect(page).toHaveURL(/\/resources\?.*cilium/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/resources/i);
  expect(asked).toEqual(["/ui/resources"]);
});

test("slash focuses the search, and it searches", async ({ page }) => {
  await page.goto("/repositories");
  await awake(page);
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
  await awake(page);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("banner").getByRole("searchbox")).toBeFocused();
});

test("the theme is switched at once and stays", async ({ page }) => {
  await page.goto("/");
  await awake(page);
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
  await awake(page);
  await page.getByRole("navigation", { name: "Views of the repository" }).getByRole("link", { name: /^Resources/ }).click();
  await expect(page).toHaveURL(/tab=resources/);
  await page.goBack();
  await expect(page).not.toHaveURL(/tab=resources/);
});

test("a filter narrows the list and shows as a chip that can be taken away", async ({ page }) => {
  await page.goto("/resources?kind=HelmRelease");
  await awake(page);
  const chip = page.getByRole("link", { name: /^Remove filter Kind/ });
  await chip.click();
  await expect(page).not.toHaveURL(/kind=HelmRelease/);
});

test("the pager turns pages by address", async ({ page }) => {
  await page.goto("/resources?per=10");
  await awake(page);
  const before = await page.getByRole("main").getByRole("table").first().innerText();
  await page.getByRole("navigation", { name: /^Pages of/ }).getByRole("link", { name: "Next page" }).click();
  await expect(page).toHaveURL(/page=2/);
  await expect.poll(() => page.getByRole("main").getByRole("table").first().innerText()).not.toBe(before);
});

test("Scan can be asked for and says how it goes", async ({ page, request }) => {
  const apps = await repository(request, "argo-apps");
  await page.goto(`/repositories/${apps.id}`);
  await awake(page);
  const work = page.getByRole("list", { name: "Work on this repository" }).getByRole("listitem");
  const before = await work.getByRole("link").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  const asked = page.waitForResponse((response) => response.request().method() === "POST" && response.url().includes("/ui/"));
  await page.getByRole("button", { name: "Scan" }).click();
  expect((await asked).ok()).toBe(true);
  // The job that the click made stands on the page, and ends well.
  const older = before.map((href) => `[href="${href}"]`).join(", ") || "x";
  const made = work.filter({ has: page.locator(`a:not(${older})`, { hasText: "Scan" }) });
  await expect(made).toContainText("Done", { timeout: 60_000 });
  await made.getByRole("link", { name: "Scan" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Scan: .*argo-apps/);
});

test("every control on the list of repositories is reached by the keyboard", async ({ page }) => {
  await page.goto("/repositories");
  await awake(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: /skip/i })).toBeFocused();
  // What can be seen and used, whatever it is made of; of radio buttons of one name the keyboard goes to one.
  const controls = await page.evaluate(() => {
    const all = [...document.querySelectorAll<HTMLElement>("a[href], button, input:not([type=hidden]), select, textarea, summary")];
    const usable = all.filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.matches(":disabled"));
    usable.forEach((element, number) => { element.dataset.control = String(number); });
    return usable.map((element) => `${element.tagName} ${element.getAttribute("href") ?? element.getAttribute("name") ?? element.textContent}`);
  });
  expect(controls.length).toBeGreaterThan(20);
  const reached = new Set<string>();
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  for (let i = 0; i < 2 * controls.length && reached.size < controls.length; i += 1) {
    await page.keyboard.press("Tab");
    const number = await page.evaluate(() => (document.activeElement as HTMLElement).dataset.control);
    if (number) reached.add(number);
  }
  expect(controls.filter((_, number) => !reached.has(String(number)))).toEqual([]);
});

test("the menu of a phone opens and closes by keys, and covers what lies behind it", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/");
  await awake(page);
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
