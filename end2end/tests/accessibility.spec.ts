// axe finds nothing to complain about on any page, in light, dark and on a phone, and every page fits its window and says what it
// is about.

import { announced, awake, COLOURS, everyPage, expect, test, violations } from "./support.ts";

test("every page wakes without complaint, fits its window, and axe finds no violation", async ({ page, request, javaScriptEnabled }, { project }) => {
  test.skip(javaScriptEnabled === false, "axe is a script");
  test.setTimeout(420_000);
  const found: string[] = [];
  for (const { name, path, heading } of await everyPage(request)) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(200);
    await announced(page, { path, heading });
    // What hydrates wrongly says so on the console; once is enough, as the markup is the same everywhere.
    if (project.name === "light") await awake(page);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 1) found.push(`${name}: ${over} px wider than the window`);
    // A theme is other colours, of the same page.
    const wrong = await (project.name === "dark" ? violations(page, COLOURS) : violations(page));
    found.push(...wrong.map((line) => `${name}: ${line}`));
  }
  expect(found).toEqual([]);
});
