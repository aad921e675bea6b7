// Every page answers, says what it is about and shows real things, with JavaScript and without.

import { expected } from "../server.ts";
import { everyPage, expect, repository, resource, test } from "./support.ts";

test("every page has one heading, a title and a main part", async ({ page, request }) => {
  test.setTimeout(90_000);
  for (const { name, path, heading } of await everyPage(request)) {
    await test.step(name, async () => {
      const answer = await page.goto(path);
      expect(answer?.status(), path).toBe(200);
      await expect(page.getByRole("main").getByRole("heading", { level: 1 }), path).toHaveCount(1);
      await expect(page.getByRole("main").getByRole("heading", { level: 1 }), path).toHaveText(heading);
      await expect(page, path).toHaveTitle(/Kubestats/);
    });
  }
});

test("the overview lists what changed lately and leads to it", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("main")).toContainText("home-cluster");
  await expect(page.getByRole("main").locator('a[href^="/commits/"]:visible').first()).toBeVisible();
  await expect(page.getByRole("main")).toContainText(/these are samples/i);
});

test("the overview puts version bumps together and tells who is busy and who is new", async ({ page, request }) => {
  const cluster = await repository(request, "home-cluster");
  await page.goto("/");
  const main = page.getByRole("main");
  const bumps = main.locator("section", { has: page.getByRole("heading", { name: "Version bumps" }) });
  await expect(bumps.locator(".bumps > li").first()).toBeVisible();
  await expect(bumps.locator('a[href^="/resources/"]').first()).toHaveAttribute("href", /\/resources\/[0-9a-f-]{36}/);
  // No step stands twice: the same chart from one version to another is one line.
  const steps = await bumps.locator(".bumps > li").evaluateAll((items) => items.map((item) =>
    [".bump-subject", ".bump-name", ".bump-what > .quiet", ".version-change"].map((part) => item.querySelector(part)?.textContent).join("|")));
  expect(new Set(steps).size).toBe(steps.length);
  const together = bumps.locator("details").first();
  if (await together.count()) {
    await together.locator("summary").click();
    await expect(together.locator(".bump-change").nth(1)).toBeVisible();
  }
  const newest = main.locator("section", { has: page.getByRole("heading", { name: "Newest repositories" }) });
  await expect(newest.getByRole("link", { name: cluster.full_name })).toHaveAttribute("href", `/repositories/${cluster.id}`);
  await expect(main.getByRole("heading", { name: "Most active repositories" })).toBeVisible();
  // Growth that is known has a number or says that there is none; what is not known is not told.
  for (const note of await main.locator(".metric-note").allTextContents()) expect(note).not.toMatch(/NaN|%|undefined/);
});

test("the list of repositories leads to each of them", async ({ page, request }) => {
  const cluster = await repository(request, "home-cluster");
  await page.goto("/repositories");
  for (const name of Object.keys(expected)) await expect(page.getByRole("main")).toContainText(name);
  await page.getByRole("main").getByRole("link", { name: /home-cluster/ }).first().click();
  await expect(page).toHaveURL(new RegExp(`/repositories/${cluster.id}`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/home-cluster/);
});

test("a repository shows its problems with path and line", async ({ page, request }) => {
  const broken = await repository(request, "broken-files");
  await page.goto(`/repositories/${broken.id}?tab=problems`);
  for (const path of expected["broken-files"].unparsable_files) await expect(page.getByRole("main")).toContainText(path);
});

test("the events of a repository can be narrowed by the address alone", async ({ page, request }) => {
  const cluster = await repository(request, "home-cluster");
  await page.goto(`/repositories/${cluster.id}?tab=events&kind=OCIRepository`);
  await expect(page.getByRole("main")).toContainText("app-template");
});

test("resources of all repositories can be searched", async ({ page }) => {
  await page.goto("/resources?text=jellyfin");
  await expect(page.getByRole("main").getByRole("link", { name: /jellyfin/ }).first()).toBeVisible();
  await expect(page.getByRole("main")).not.toContainText("zigbee2mqtt");
});

test("a resource shows its manifest, its history and what it refers to", async ({ page, request }) => {
  const cluster = await repository(request, "home-cluster");
  const release = await resource(request, cluster, "HelmRelease", "home-assistant");
  await page.goto(`/resources/${release.id}`);
  const main = page.getByRole("main");
  await expect(main).toContainText("ghcr.io/home-operations/home-assistant");
  await expect(main).toContainText("app-template");
  await expect(main).toContainText("5.1.0");
  await expect(main.locator('a[href^="/commits/"]').first()).toBeVisible();
});

test("a commit shows what it did", async ({ page, request }) => {
  const cluster = await repository(request, "home-cluster");
  await page.goto(`/commits/${cluster.id}/${cluster.head_commit}`);
  const main = page.getByRole("main");
  await expect(main).toContainText("fix(coredns): two of them");
  await expect(main).toContainText("replicaCount");
});

test("secrets are never shown", async ({ page, request }) => {
  const broken = await repository(request, "broken-files");
  const secret = await resource(request, broken, "Secret", "plain");
  await page.goto(`/resources/${secret.id}`);
  await expect(page.getByRole("main")).toContainText("password");
  const html = await page.content();
  expect(html).not.toContain("this-must-never-be-shown");
  expect(html).not.toContain("nor-must-this");
});

test("markup in names stays text", async ({ page, request }) => {
  const broken = await repository(request, "broken-files");
  await page.goto(`/repositories/${broken.id}?tab=resources`);
  await page.goto("/resources?text=onerror");
  await expect(page.locator('img[src="x"]')).toHaveCount(0);
});

test("what is not there is said to be not there", async ({ page, complaints }) => {
  for (const path of ["/no/such/page", "/repositories/00000000-0000-7000-8000-000000000000", "/resources/not-an-id"]) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(404);
    await expect(page.getByRole("heading", { level: 1 }), path).toBeVisible();
  }
  // The browser itself logs an answer of 404; that is what is tested here.
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !/status of 404/.test(text)));
});
