// All repositories together: figures, what there is most of, what changed.

import { expect, test } from "./support.ts";

test("the ecosystem counts every repository back to its first commit", async ({ page, request }) => {
  test.setTimeout(90_000);
  // Days are computed some seconds after the last scan.
  await expect.poll(async () => (await request.get("/api/v1/ecosystem/latest")).status(), { timeout: 30_000 }).toBe(200);
  const latest = await (await request.get("/api/v1/ecosystem/latest")).json();
  await page.goto("/ecosystem?range=all");
  const main = page.getByRole("main");
  await expect(main.getByRole("term").filter({ hasText: "Repositories" }).first()).toBeVisible();
  await expect(main.locator("dd.metric-value").first()).toHaveText(String(latest.total_repositories));
  await expect(main.getByRole("link", { name: "HelmRelease", exact: true }).first()).toHaveAttribute("href", "/resources?kind=HelmRelease");
  await expect(main.getByRole("heading", { name: "Helm releases" })).toBeVisible();
  await expect(main.locator('.release-change a[href^="/commits/"]').first()).toBeVisible();
});
