// Pictures of every page for a person to look at, in end2end/screenshots.

import { everyPage, expect, test } from "./support.ts";

test("every page", async ({ page, request }, { project }) => {
  test.setTimeout(300_000);
  for (const { name, path } of await everyPage(request)) {
    await page.goto(path);
    await page.waitForLoadState("networkidle", { timeout: 4_000 }).catch(() => {});
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await page.screenshot({ path: `screenshots/${project.name.replace("pictures-", "")}/${name}.png`, fullPage: true });
  }
});
