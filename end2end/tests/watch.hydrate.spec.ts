// What happens to branches shows on open pages without a reload, and what is typed and what is shown once stay.

import { awake, expect, test } from "./support.ts";
import { begin, known, noted, type Watching } from "./watching.ts";

let watching: Watching;

test.use({ storageState: async ({}, use) => use(watching?.signedIn) });

test.beforeAll(async ({ playwright }) => {
  watching = await begin("watch-live", (options) => playwright.request.newContext(options));
  const request = await playwright.request.newContext({ baseURL: watching.site, storageState: watching.signedIn });
  expect((await request.put(`/api/v1/repositories/${watching.id}/watch`, { data: {} })).ok()).toBe(true);
  await expect.poll(async () => (await known(request, watching)).length, { timeout: 60_000 }).toBe(3);
  await request.dispose();
});

test.afterAll(() => watching.place.end());

test("a push shows on every open page that tells of it, and nothing typed is lost", async ({ context, request }) => {
  const { data } = (await (await request.get(`${watching.site}/api/v1/repositories/${watching.id}/branches?text=release`)).json()) as { data: { id: string }[] };
  const open = async (path: string) => {
    const page = await context.newPage();
    await page.goto(`${watching.site}${path}`);
    await awake(page);
    await page.evaluate(() => ((window as unknown as { kept: boolean }).kept = true));
    return page;
  };
  const list = await open("/watch");
  const branch = await open(`/branches/${data[0].id}`);
  const tab = await open(`/repositories/${watching.id}?tab=branches&text=release`);
  const settings = await open(`/repositories/${watching.id}/watch`);
  await settings.getByRole("button", { name: "Make the secret" }).click();
  await expect(settings.locator(".secret code")).toHaveText(/^[\w-]{43}$/);
  const secret = (await settings.locator(".secret code").textContent()) ?? "";
  await settings.getByLabel("Names of branches").fill("^feature/");
  await expect(settings.locator("#watch-preview")).toContainText("Matches 1 of 3 branches");

  const commit = watching.push("release/1", "pushed.yaml");
  await noted(request, watching, 1);
  const short = commit.slice(0, 7);
  await expect(list.getByRole("main").getByRole("row").filter({ hasText: "release/1" })).toContainText(short, { timeout: 60_000 });
  await expect(branch.locator(".happening").first()).toContainText(short);
  await expect(tab.getByRole("main").getByRole("row").filter({ hasText: "release/1" })).toContainText(short);
  await expect(settings.getByLabel("Names of branches")).toHaveValue("^feature/");
  await expect(settings.locator(".secret code")).toHaveText(secret);
  for (const page of [list, branch, tab, settings]) {
    expect(await page.evaluate(() => (window as unknown as { kept?: boolean }).kept)).toBe(true);
  }
});

test("the expression is tried while it is typed, and the last one counts", async ({ page }) => {
  await page.goto(`${watching.site}/repositories/${watching.id}/watch`);
  await awake(page);
  const field = page.getByLabel("Names of branches");
  const preview = page.locator("#watch-preview");
  await field.pressSequentially("^release/|^main$", { delay: 20 });
  await expect(preview).toContainText("Matches 2 of 3 branches");
  await expect(preview.locator(".met")).toHaveText(["main", "release/1"]);
  await field.fill("[");
  await expect(preview).toContainText("can't be read");
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await field.fill("");
  await expect(preview).toContainText("Matches 3 of 3 branches");
  await expect(field).not.toHaveAttribute("aria-invalid", "true");
});

test("the key w leads to what is watched", async ({ page }) => {
  await page.goto(`${watching.site}/tasks`);
  await awake(page);
  await page.keyboard.press("g");
  await page.keyboard.press("w");
  await expect(page).toHaveURL(`${watching.site}/watch`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Watch");
});
