// Every page answers, says what it is about and shows real things, with JavaScript and without.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expected } from "../server.ts";
import { announced, everyPage, expect, repository, resource, test } from "./support.ts";

test("every page has one heading, a title and a main part", async ({ page, request, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled !== false, "accessibility.spec.ts opens each page, and looks for the same");
  test.setTimeout(240_000);
  for (const { name, path, heading } of await everyPage(request)) {
    await test.step(name, async () => {
      const answer = await page.goto(path);
      expect(answer?.status(), path).toBe(200);
      await announced(page, { path, heading });
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

test("a repository shows its problems with path and line, and templates of Helm charts apart from them", async ({
  page,
  request,
}) => {
  const broken = await repository(request, "broken-files");
  const main = page.getByRole("main");
  const isTemplate = (path: string) => path.includes("/templates/");
  const files: string[] = expected["broken-files"].unparsable_files;
  expect(files.filter(isTemplate)).toHaveLength(1);
  await page.goto(`/repositories/${broken.id}?tab=problems`);
  for (const path of files.filter((path) => !isTemplate(path))) await expect(main).toContainText(path);
  for (const path of files.filter(isTemplate)) await expect(main).not.toContainText(path);
  await main.getByRole("link", { name: /Helm templates, not read/ }).click();
  for (const path of files.filter(isTemplate)) await expect(main).toContainText(path);
  await expect(main).not.toContainText("broken/anchor.yaml");
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

/** A sample's first-parent line as git tells it: hash, author and subject, newest first. */
function line(name: string, head: string): string[][] {
  const sample = new URL(`../../server/samples/${name}/`, import.meta.url).pathname;
  const git = mkdtempSync(join(tmpdir(), "kubestats-e2e-sample-"));
  for (const folder of ["objects/pack", "objects/info", "refs/heads", "refs/tags"]) mkdirSync(join(git, folder), { recursive: true });
  for (const file of readdirSync(sample)) cpSync(join(sample, file), join(git, file.startsWith("pack-") ? "objects/pack" : ".", file));
  try {
    const log = execFileSync("git", ["--git-dir", git, "log", "--first-parent", "--format=%H%x09%an%x09%s", head]);
    return log.toString().trim().split("\n").map((entry) => entry.split("\t"));
  } finally {
    rmSync(git, { recursive: true, force: true });
  }
}

test("a commit that changed nothing says so, and the head of a repository always leads to one", async ({ page, request, forgive }) => {
  const cluster = await repository(request, "broken-files");
  const { data } = await (await request.get(`/api/v1/repositories/${cluster.id}/events?limit=1000`)).json();
  const told = new Set((data as { commit: string }[]).map(({ commit }) => commit));
  expect(told.size).toBeGreaterThan(0);
  const quiet = line("broken-files", cluster.head_commit).find(([sha]) => !told.has(sha));
  if (!quiet) throw new Error("every commit of the sample changes a resource");
  const [sha, author, subject] = quiet;
  for (const path of [sha, sha.slice(0, 12)]) {
    const answer = await page.goto(`/commits/${cluster.id}/${path}`);
    expect(answer?.status()).toBe(200);
    const main = page.getByRole("main");
    await expect(main.getByRole("heading", { level: 1 })).toHaveText(subject);
    await expect(main).toContainText("This commit changed no Kubernetes resource");
    await expect(main).toContainText(author);
    await expect(main).not.toContainText("may have been removed");
  }
  for (const name of Object.keys(expected)) {
    const { id } = await repository(request, name);
    await page.goto(`/repositories/${id}`);
    const head = page.locator(".page-facts a.sha, .facts a.sha").first();
    const answer = await page.goto((await head.getAttribute("href")) ?? "");
    expect(answer?.status(), name).toBe(200);
  }
  const nowhere = await page.goto(`/commits/${cluster.id}/${"0".repeat(40)}`);
  expect(nowhere?.status()).toBe(404);
  forgive(/status of 404/);
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

test("what is not there is said to be not there", async ({ page, forgive }) => {
  for (const path of ["/no/such/page", "/repositories/00000000-0000-7000-8000-000000000000", "/resources/not-an-id"]) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(404);
    await expect(page.getByRole("heading", { level: 1 }), path).toBeVisible();
  }
  // The browser itself logs an answer of 404; that is what is tested here.
  forgive(/status of 404/);
});
