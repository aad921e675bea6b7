// Which branches are watched, what happens to them, and the webhook's secret. On a server of their own, as they wait for what
// they push.

import type { Page } from "@playwright/test";
import { awake, expect, test, violations } from "./support.ts";
import { begin, known, noted, type Watching } from "./watching.ts";

let watching: Watching;

test.use({ storageState: async ({}, use) => use(watching?.signedIn) });

test.describe.configure({ mode: "serial" });

test.beforeAll(async ({ playwright }) => {
  watching = await begin("watch", (options) => playwright.request.newContext(options));
});

test.afterAll(() => watching.place.end());

/** Opens a page and waits until its scripts run, where there are any. */
async function open(page: Page, path: string, script: boolean | undefined) {
  await page.goto(`${watching.site}${path}`);
  if (script !== false) await awake(page);
}

const told = (page: Page) => page.getByRole("main").locator(".outcome");

test("before anything is watched the page says how to begin", async ({ page, javaScriptEnabled: script }) => {
  await open(page, "/watch", script);
  await expect(page.getByRole("main")).toContainText("No branch is watched yet");
  await page.getByRole("main").getByRole("link", { name: "a repository" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/repositories/i);
  await page.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Watch" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Watch");
});

test("branches are chosen by an expression that is tried first", async ({ page, request, forgive, javaScriptEnabled: script }) => {
  forgive(/status of 400.*\/ui\/set_watch/);
  await open(page, `/repositories/${watching.id}?tab=branches`, script);
  await expect(page.getByRole("main")).toContainText("Branches are not watched");
  await page.getByRole("link", { name: "Watch branches…" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Watch branches of");
  if (script !== false) await awake(page);
  const field = page.getByLabel("Names of branches");
  const preview = page.locator("#watch-preview");
  const attempt = async (text: string) => {
    await field.fill(text);
    if (script === false) await page.getByRole("button", { name: "Try it" }).click();
  };
  await expect(page.getByRole("button", { name: "Try it" })).toHaveCount(script === false ? 1 : 0);
  await attempt("(main");
  await expect(preview).toContainText("unclosed group");
  await expect(field).toHaveValue("(main");
  await attempt("^main$");
  await expect(preview).toContainText("Matches the default branch");
  await field.fill("^(main|release/)");
  const interval = page.getByLabel("Look at it every");
  await interval.fill("5 minutes");
  const first = page.getByLabel("Branches that are there already are events too");
  await first.check();
  await page.getByRole("button", { name: "Watch these branches" }).click();
  await expect(page.getByRole("main")).toContainText("write a number with a unit, such as 30s, 5m");
  await expect(field, "nothing typed is lost").toHaveValue("^(main|release/)");
  await expect(interval).toHaveValue("5 minutes");
  await expect(first).toBeChecked();
  await first.uncheck();
  await interval.fill("1h30m");
  await page.getByRole("button", { name: "Watch these branches" }).click();
  await expect(told(page)).toContainText("Branches that match ^(main|release/) are watched");
  await expect(page.getByLabel("Look at it every")).toHaveValue("1h30m");
  await expect.poll(() => known(request, watching), { timeout: 60_000 }).toEqual(["feature/ü", "main", "release/1"]);
  expect(await known(request, watching, "?watched=true")).toEqual(["main", "release/1"]);

  // Now that all of them are known the expression is tried on all.
  await open(page, `/repositories/${watching.id}/watch`, script);
  await attempt("^feature/");
  await expect(preview).toContainText("Matches 1 of 3 branches");
  await page.getByRole("link", { name: "See its branches" }).click();
  const rows = page.getByRole("main").getByRole("row");
  await expect(rows.filter({ hasText: "feature/ü" })).toContainText("Not watched");
  await expect(rows.filter({ hasText: "release/1" })).not.toContainText("Not watched");
  await expect(rows.filter({ hasText: "main" })).toContainText("default");
});

test("what cannot be read is refused beside the field, with what was typed still in it", async ({ page, javaScriptEnabled: script, forgive }) => {
  forgive(/status of 400.*\/ui\/set_watch/);
  await open(page, `/repositories/${watching.id}/watch`, script);
  await page.getByLabel("Names of branches").fill("*");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const said = script === false ? told(page) : page.locator(".act-failed");
  await expect(said).toContainText("pattern of file names");
  if (script !== false) await expect(page.getByLabel("Names of branches")).toHaveValue("*");
});

test("each push to a watched branch stands on its page, and others do not", async ({ page, request, javaScriptEnabled: script }) => {
  watching.push("feature/ü", "unseen.yaml");
  const commit = watching.push("release/1", "seen.yaml");
  await noted(request, watching, 1);
  await open(page, "/watch", script);
  const row = page.getByRole("main").getByRole("row").filter({ hasText: "release/1" });
  await expect(row).toContainText("pushed");
  await expect(row).toContainText(commit.slice(0, 7));
  await expect(page.getByRole("main")).not.toContainText("feature/ü");
  await row.getByRole("link", { name: "release/1" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("release/1");
  const happened = page.locator(".happening");
  await expect(happened).toHaveCount(1);
  await expect(happened).toContainText("noticed by polling");
  await expect(happened).toContainText("No trigger was on then");
});

test("a branch that is gone keeps its page", async ({ page, request, javaScriptEnabled: script }) => {
  watching.remove("release/1");
  await noted(request, watching, 2);
  await open(page, `/repositories/${watching.id}?tab=branches`, script);
  await expect(page.getByRole("main").getByRole("row").filter({ hasText: "release/1" })).toHaveCount(0);
  await open(page, `/repositories/${watching.id}?tab=branches&there=gone`, script);
  await page.getByRole("main").getByRole("link", { name: "release/1" }).click();
  await expect(page.getByRole("main")).toContainText("gone since");
  await expect(page.locator(".happening").first()).toContainText("deleted");
  await open(page, "/watch?type=branch_deleted", script);
  await expect(page.getByRole("main").getByRole("row").filter({ hasText: "release/1" })).toHaveCount(1);
  await open(page, "/watch?type=branch_created", script);
  await expect(page.getByRole("main")).toContainText("No event matches");
});

test("the secret of the webhook is shown once", async ({ page, javaScriptEnabled: script }) => {
  await open(page, `/repositories/${watching.id}/watch`, script);
  const webhook = page.locator("#webhook");
  await expect(webhook).toContainText(`${watching.site}/webhooks/generic/${watching.id}`);
  await expect(webhook).toContainText("Off: there is no secret");
  await webhook.getByRole("button", { name: "Make the secret" }).click();
  await expect(webhook).toContainText("Copy the secret now. It is shown only this once.");
  const secret = (await webhook.locator(".secret code").textContent()) ?? "";
  expect(secret).toMatch(/^[\w-]{43}$/);
  await expect(webhook).toContainText("None came yet");
  await webhook.getByText("How to set it up at").click();
  await expect(webhook).toContainText("X-Signature");
  if (script !== false) expect(await violations(page)).toEqual([]);
  await open(page, `/repositories/${watching.id}/watch`, script);
  await expect(webhook).not.toContainText(secret);
  await webhook.getByRole("button", { name: "Remove the secret" }).click();
  await expect(told(page)).toContainText("The secret is removed");
  await expect(webhook).toContainText("Off: there is no secret");
});

test("watching ends, and what was seen stays", async ({ page, javaScriptEnabled: script }) => {
  await open(page, `/repositories/${watching.id}/watch`, script);
  await page.getByRole("button", { name: "Stop watching" }).click();
  await expect(told(page)).toContainText("no longer watched");
  await open(page, "/watch", script);
  await expect(page.getByRole("main").getByRole("row").filter({ hasText: "release/1" })).not.toHaveCount(0);
});
