// axe finds nothing to complain about on any page, in light, dark and on a phone, and every page fits its window.

import { awake, everyPage, expect, test, violations } from "./support.ts";

test("every page wakes without complaint, fits its window, and axe finds no violation", async ({ page, request, javaScriptEnabled }, { project }) => {
  test.skip(javaScriptEnabled === false, "axe is a script");
  test.setTimeout(420_000);
  const found: string[] = [];
  for (const { name, path } of await everyPage(request)) {
    await page.goto(path);
    // What hydrates wrongly says so on the console; once is enough, as the markup is the same everywhere.
    if (project.name === "light") await awake(page);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 1) found.push(`${name}: ${over} px wider than the window`);
    found.push(...(await violations(page)).map((line) => `${name}: ${line}`));
  }
  expect(found).toEqual([]);
});
