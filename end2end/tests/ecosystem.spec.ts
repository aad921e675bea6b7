// All repositories together: figures, lines over time, what there is most of, what changed.

import { chartPath, expect, test } from "./support.ts";
import type { APIRequestContext } from "@playwright/test";

/** Days are computed some seconds after the last scan. */
async function days(request: APIRequestContext): Promise<void> {
  await expect.poll(async () => (await request.get("/api/v1/ecosystem/latest")).status(), { timeout: 60_000 }).toBe(200);
}

test("the ecosystem counts every repository back to its first commit", async ({ page, request }) => {
  await days(request);
  const latest = await (await request.get("/api/v1/ecosystem/latest")).json();
  await page.goto("/ecosystem?range=all");
  const main = page.getByRole("main");
  await expect(main.getByRole("term").filter({ hasText: "Repositories" }).first()).toBeVisible();
  await expect(main.locator("dd.metric-value").first()).toHaveText(String(latest.total_repositories));
  await expect(main.getByRole("link", { name: "HelmRelease", exact: true }).first()).toHaveAttribute("href", "/resources?kind=HelmRelease");
  await expect(main.getByRole("heading", { name: "Helm releases" })).toBeVisible();
  await expect(main.locator('.release-change a[href^="/commits/"]').first()).toBeVisible();
});

test("totals over time are a line that can be of something else, and a table", async ({ page, request }) => {
  await days(request);
  const latest = await (await request.get("/api/v1/ecosystem/latest")).json();
  await page.goto("/ecosystem?range=all");
  const totals = page.getByRole("main").locator("section", { has: page.getByRole("heading", { name: "Totals" }) });
  await expect(totals.locator("ks-chart")).toHaveAttribute("aria-label", new RegExp(`^Resources: .*, ${latest.active_resources} on `));
  // The numbers are there for those who see no line.
  await totals.getByText("As table").click();
  await expect(totals.locator("tbody tr").first().locator("td")).toHaveText(String(latest.active_resources));
  await totals.getByRole("link", { name: "Helm releases" }).click();
  await expect(page).toHaveURL(/line=releases/);
  await expect(totals.locator("ks-chart")).toHaveAttribute("aria-label", new RegExp(`^Helm releases: .*, ${latest.active_helm_releases} on `));
  await expect(totals.getByRole("link", { name: "Helm releases" })).toHaveAttribute("aria-current", "page");
  await expect(page).toHaveURL(/range=all/);
});

test("a release's change opens as the difference of both texts and leads to its own page", async ({ page, request }) => {
  await days(request);
  await page.goto("/ecosystem");
  const change = page.getByRole("main").locator(".release-change", { has: page.locator(".version-change") }).first();
  const id = await change.getAttribute("id");
  await change.getByRole("link", { name: /^YAML/ }).click();
  await expect(page).toHaveURL(/change=/);
  const opened = page.locator(`[id="${id}"]`);
  await expect(opened.locator(".diff-lines")).toBeVisible();
  await expect(opened.locator(".diff-stat")).toHaveText(/\+\d+ −\d+/);
  await opened.getByRole("link", { name: "Side by side" }).click();
  await expect(opened.locator('.diff-lines[data-mode="split"]')).toBeVisible();
  await opened.getByRole("link", { name: /Version \d+ on its own page/ }).click();
  await expect(page).toHaveURL(/\/resources\/[0-9a-f-]+\?from=\d+&to=\d+/);
  await expect(page.getByRole("main").locator(".diff-lines")).toBeVisible();
});

test("a change in the address that there is not leaves the page as it is", async ({ page, request }) => {
  await days(request);
  await page.goto("/ecosystem?change=01a1fdca-e2e0-77e5-a185-72a30e5455c3&line=nonsense");
  await expect(page.getByRole("main").getByRole("heading", { name: "Helm releases" })).toBeVisible();
  await expect(page.locator(".release-diff")).toHaveCount(0);
});

test("charts of all repositories lead to their pages, and a week without news says so", async ({ page, request }) => {
  await days(request);
  const told = await (await request.get("/api/v1/ecosystem/charts?range=all")).json();
  await page.goto("/ecosystem?range=all");
  const main = page.getByRole("main");
  const section = (title: string) => main.locator("section", { has: page.getByRole("heading", { name: title, exact: true }) });
  await expect(section("Charts").locator(".rank a").first()).toHaveAttribute("href", chartPath(told.popular[0]));
  await expect(section("Rising charts").getByRole("link", { name: "All charts" })).toHaveAttribute("href", "/charts?trend=rising");
  for (const [title, rows, none] of [
    ["New charts of the week", told.new.data, "No chart came this week"],
    ["Who upgraded what this week", told.upgrades.data, "Nobody upgraded a chart this week"],
  ]) {
    if (rows.length) await expect(section(title).locator("tbody tr"), title).toHaveCount(rows.length);
    else await expect(section(title), title).toContainText(none);
  }
});
