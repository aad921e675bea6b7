// A manifest's text folds, its versions are compared by dragging, and a chart has a strip to choose a span from.

import { awake, expect, repository, resource, test } from "./support.ts";
import type { APIRequestContext } from "@playwright/test";

/** The page of a release that changed at least twice. */
async function release(request: APIRequestContext): Promise<string> {
  const cluster = await repository(request, "home-cluster");
  const answer = await request.get(`/api/v1/repositories/${cluster.id}/resources?kind=HelmRelease&limit=100`);
  for (const { id } of (await answer.json()).data) {
    const versions = await (await request.get(`/api/v1/resources/${id}/versions`)).json();
    if (versions.count > 2) return `/resources/${id}`;
  }
  throw new Error("no release of the sample has three versions");
}

test("what is under a line is hidden and shown by a button, with the keyboard too", async ({ page, request }) => {
  await page.goto(await release(request));
  await awake(page);
  const lines = page.locator(".code-lines .line");
  const spec = lines.filter({ hasText: /^spec:/ });
  const button = spec.locator(".line-fold");
  const all = await lines.count();
  await expect(button).toHaveAttribute("aria-expanded", "true");
  await button.click();
  await expect(button).toHaveAttribute("aria-expanded", "false");
  expect(await lines.filter({ visible: true }).count()).toBeLessThan(all);
  await expect(lines.filter({ hasText: /^apiVersion:/ })).toBeVisible();
  await button.press("Enter");
  await expect(lines.filter({ visible: true })).toHaveCount(all);
});

test("a link to a folded line opens what it is in", async ({ page, request }) => {
  await page.goto(await release(request));
  await awake(page);
  const spec = page.locator(".code-lines .line").filter({ hasText: /^spec:/ });
  const last = await spec.locator(".line-fold").getAttribute("data-to");
  await spec.locator(".line-fold").click();
  await expect(page.locator(`#L${last}`)).toBeHidden();
  await page.evaluate((line) => { location.hash = `L${line}`; }, last);
  await expect(page.locator(`#L${last}`)).toBeVisible();
});

test("dragging one point of the timeline to another compares the two", async ({ page, request }) => {
  await page.goto(await release(request));
  await awake(page);
  const points = page.locator(".timeline-points .point");
  const newest = Number(await points.first().getAttribute("data-version"));
  const [from, to] = [await points.first().boundingBox(), await points.nth(2).boundingBox()];
  if (!from || !to) throw new Error("the points are not on the page");
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(to.x + to.width / 2, to.y + to.height / 2, { steps: 8 });
  await expect(page.locator(".timeline-points")).toHaveAttribute("data-dragging");
  await page.mouse.up();
  await expect(page).toHaveURL(new RegExp(`from=${newest - 2}\\b.*to=${newest}\\b`));
  await expect(page.locator(".timeline-points")).not.toHaveAttribute("data-dragging");
});

test("a chosen end of the pair is dragged and the other one stays; Escape gives up", async ({ page, request }) => {
  const path = await release(request);
  await page.goto(path);
  await awake(page);
  const newest = Number(await page.locator(".timeline-points .point").first().getAttribute("data-version"));
  await page.goto(`${path}?from=${newest - 2}&to=${newest - 1}`);
  await awake(page);
  const centre = async (version: number) => {
    const box = await page.locator(`.timeline-points .point[data-version="${version}"]`).boundingBox();
    if (!box) throw new Error(`version ${version} has no point`);
    return [box.x + box.width / 2, box.y + box.height / 2] as const;
  };
  const drag = async (of: number, onto: number) => {
    await page.mouse.move(...(await centre(of)));
    await page.mouse.down();
    await page.mouse.move(...(await centre(onto)), { steps: 5 });
  };
  await drag(newest - 1, newest);
  await page.keyboard.press("Escape");
  await page.mouse.up();
  await expect(page).toHaveURL(new RegExp(`from=${newest - 2}&to=${newest - 1}$`));
  await drag(newest - 1, newest);
  await page.mouse.up();
  await expect(page).toHaveURL(new RegExp(`from=${newest - 2}&to=${newest}$`));
});

test("versions on different pages of the timeline are compared, and the comparison is in sight", async ({ page, request }) => {
  const listed = await (await request.get("/api/v1/kubernetes/resources?status=ACTIVE&limit=1000")).json();
  const busiest = listed.data.reduce((most: { events: number }, one: { events: number }) => (one.events > most.events ? one : most));
  expect(busiest.events).toBeGreaterThan(10);
  await page.goto(`/resources/${busiest.id}?per=10&page=2`);
  await awake(page);
  const to = busiest.events;
  // The newest is chosen already, and stands on the first page.
  await expect(page.getByLabel(`to #${to}, on another page`)).toBeChecked();
  await page.getByRole("radio", { name: "Compare from version 1", exact: true }).check();
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page).toHaveURL(/page=2/);
  await expect(page).toHaveURL(/from=1\b/);
  await expect(page).toHaveURL(new RegExp(`to=${to}\\b`));
  await expect(page.locator(".shown-state")).toHaveCount(2);
  await expect(page.locator(".shown-state").first()).toBeInViewport();
  await expect(page.getByRole("radio", { name: "Compare from version 1", exact: true })).toBeChecked();
});
