// Coming in and going, with scripts and without: what is offered to whom, and back to where one was.

import { ADMIN, Place, freePort } from "./program.ts";
import { expect, test } from "./support.ts";

// A program of its own: tries to sign in are limited by address, which all browsers here share.
let place: Place;
let site: string;

test.use({ storageState: { cookies: [], origins: [] } });

test.beforeAll(async ({ playwright }) => {
  place = new Place("accounts");
  const port = await freePort();
  site = `http://127.0.0.1:${port}`;
  await place.serve(`app: { listen: "127.0.0.1:${port}" }\n`);
  const request = await playwright.request.newContext({ baseURL: site });
  await expect.poll(async () => (await (await request.get("/api/v1/repositories/")).text()).includes("home-cluster"), { timeout: 60_000 }).toBe(true);
  await request.dispose();
});

test.afterAll(() => place.end());

test("who comes in gets back to where they were, may act there, and leaves nothing behind", async ({ page, context, forgive }) => {
  await page.goto(site + "/repositories?sort=name");
  await expect(page.getByRole("main").getByRole("table")).toContainText("home-cluster");
  await expect(page.getByRole("button", { name: "Sync all" }), "nobody is offered what they may not do").toHaveCount(0);
  await page.getByRole("link", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/sign-in\?from=/);
  const email = page.getByLabel("E-mail address");
  await email.fill(ADMIN.email);
  await page.getByLabel("Password").fill("violet anchor timber eighteen");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("main")).toContainText("Wrong e-mail address or password");
  await expect(email, "what was right is kept").toHaveValue(ADMIN.email);
  expect(page.url(), "and stands in no address").not.toContain("ada");
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/repositories\?sort=name$/);
  await expect(page.getByRole("button", { name: "Sync all" })).toBeVisible();
  const [cookie] = (await context.cookies()).filter(({ name }) => name === "kubestats");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });

  await page.goto(site + "/account");
  await expect(page.getByRole("main")).toContainText(ADMIN.email);
  await page.locator(".account-button").click();
  await page.getByRole("button", { name: "Sign out" }).first().click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await page.goBack();
  await expect(page.locator("body"), "nor does the browser keep what was theirs").not.toContainText(ADMIN.email);
  await page.goto(site + "/admin/users");
  forgive(/401 \(Unauthorized\)/);
  await expect(page.getByRole("main")).toContainText(/sign in/i);
  await expect(page.getByRole("main").getByRole("table")).toHaveCount(0);
});
