// axe finds nothing to complain about on any page, in light, dark and on a phone.

import AxeBuilder from "@axe-core/playwright";
import { everyPage, expect, test } from "./support.ts";

test("axe finds no violation on any page", async ({ page, request, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled === false, "axe is a script");
  test.setTimeout(180_000);
  const found: string[] = [];
  for (const { name, path } of await everyPage(request)) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
    for (const { id, help, nodes } of violations) {
      found.push(`${name}: ${id} (${help}) at ${nodes.slice(0, 3).map((n) => `${n.target} ${n.failureSummary?.split("\n")[1]?.trim() ?? ""}`).join("; ")}`);
    }
  }
  expect(found).toEqual([]);
});

test("nothing is wider than the window", async ({ page, request, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled === false, "measured by a script");
  test.setTimeout(90_000);
  const wide: string[] = [];
  for (const { name, path } of await everyPage(request)) {
    await page.goto(path);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 1) wide.push(`${name}: ${over} px`);
  }
  expect(wide).toEqual([]);
});
