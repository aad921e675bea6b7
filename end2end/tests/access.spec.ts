// The form "Access of its own": a token and the address of an API for one repository. What is entered is said to be there and
// never shown. On a server of its own, where the repository's forge has an API.

import type { Locator, Page } from "@playwright/test";
import { awake, expect, test, violations } from "./support.ts";
import { begin, type Watching } from "./watching.ts";

const TOKEN = "token-that-nobody-is-shown";
/** Leads inside, which is not allowed here. */
const INSIDE = "https://10.0.0.7/api/v1";

let watching: Watching;

test.use({ storageState: async ({}, use) => use(watching?.signedIn) });

test.describe.configure({ mode: "serial" });

test.beforeAll(async ({ playwright }) => {
  const forge = (remote: string) => `discovery: { enabled: false, forges: [{ url: "${remote}", provider: forgejo }] }`;
  watching = await begin("access", (options) => playwright.request.newContext(options), forge);
});

test.afterAll(() => watching.place.end());

interface Form {
  /** The part of the page. */
  access: Locator;
  token: Locator;
  address: Locator;
  save: Locator;
  /** What came of it, where it was done. */
  told: Locator;
  /** Why it was refused: beside the form, or on the page that a form without scripts leads to. */
  refused: Locator;
}

/** Opens the page and waits until its scripts run, where there are any. */
async function open(page: Page, script: boolean | undefined): Promise<Form> {
  await page.goto(`${watching.site}/repositories/${watching.id}/watch`);
  if (script !== false) await awake(page);
  const access = page.locator("#access");
  const told = page.getByRole("main").locator(".outcome");
  return {
    access,
    token: access.getByLabel("Token", { exact: true }),
    address: access.getByLabel("Address of the API"),
    save: access.getByRole("button", { name: "Save" }),
    told,
    refused: script === false ? told : access.locator(".act-failed"),
  };
}

/** Places of the same forge where its API is not. */
const api = (path = "own") => `${watching.remote}/${path}/api/v1`;

/** Neither the page nor its address tell of it. */
async function hides(page: Page, secret: string) {
  expect(await page.content()).not.toContain(secret);
  expect(decodeURIComponent(page.url())).not.toContain(secret);
}

test("a token and an address are said to be there, and the token is never shown", async ({ page, request, javaScriptEnabled: script }) => {
  const { access, token, address, save, told } = await open(page, script);
  await expect(access).toContainText("No token of its own");
  await expect(access.getByRole("button", { name: "Remove" })).toHaveCount(0);
  await expect(token).toHaveAttribute("type", "password");
  await expect(token).toHaveAttribute("autocomplete", "off");
  await token.fill(TOKEN);
  await address.fill(`${api()}/`);
  await save.click();
  await expect(told).toContainText("The token is kept sealed, and not shown again");
  await expect(access).toContainText("It has a token of its own");
  await expect(access.locator("time")).toHaveCount(1);
  await expect(token, "it does not stay in the field").toHaveValue("");
  await hides(page, TOKEN);

  await open(page, script);
  await expect(address).toHaveValue(api());
  await expect(token).toHaveValue("");
  await expect(access).toContainText("Empty, the one that is kept stays");
  await hides(page, TOKEN);
  if (script !== false) expect(await violations(page)).toEqual([]);
  const answer = await request.get(`${watching.site}/api/v1/repositories/${watching.id}/access`);
  expect(await answer.json()).toMatchObject({ has_own_token: true, api_base_url: api(), error: null });
});

test("with the same address the token stays, with another one it is forgotten, and that is said", async ({ page, javaScriptEnabled: script }) => {
  const { access, address, save, told } = await open(page, script);
  await save.click();
  await expect(told).toContainText("The token is kept sealed");
  await expect(access).toContainText("It has a token of its own");
  await open(page, script);
  await address.fill(api("another"));
  await save.click();
  await expect(told).toContainText("The token was entered with another address, and is forgotten: enter it anew.");
  await expect(access).toContainText("No token of its own");
  await expect(address).toHaveValue(api("another"));
});

test("what is refused stays in its field, but for the token", async ({ page, javaScriptEnabled: script, forgive }) => {
  forgive(/status of 400.*\/ui\/set_access/);
  const { access, token, address, save, refused } = await open(page, script);
  await token.fill(TOKEN);
  await address.fill(INSIDE);
  await save.click();
  await expect(refused).toContainText("security.allowed_networks");
  await expect(address).toHaveValue(INSIDE);
  await expect(access).toContainText("No token of its own");
  if (script === false) await expect(token).toHaveValue("");
  await hides(page, TOKEN);
  expect(decodeURIComponent(page.url()), "addresses of pages end up in logs").not.toContain(INSIDE);
  // It stands there once; what is kept is as it was.
  await open(page, script);
  await expect(address).toHaveValue(api("another"));

  // What may hold a password does not come back.
  const password = "hunter2-of-ada";
  await address.fill(`https://ada:${password}@git.example.org/api/v1`);
  await save.click();
  await expect(refused).toContainText("holds a user or password");
  await hides(page, password);
});

test("it is entered and removed by the keyboard alone", async ({ page, javaScriptEnabled: script }) => {
  const { access, token, address, save, told } = await open(page, script);
  await token.focus();
  await page.keyboard.type(TOKEN);
  await page.keyboard.press("Tab");
  await expect(address).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(save).toBeFocused();
  const remove = access.getByRole("button", { name: "Remove" });
  await page.keyboard.press("Tab");
  await expect(remove, "there is an address already").toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(told).toContainText("The token is kept sealed");
  await expect(access).toContainText("It has a token of its own");
  await hides(page, TOKEN);

  await remove.focus();
  await page.keyboard.press("Enter");
  await expect(told).toContainText("It is removed. The repository is asked as all others are.");
  await expect(access).toContainText("No token of its own");
  await expect(remove).toHaveCount(0);
  await expect(address).toHaveValue("");
});
