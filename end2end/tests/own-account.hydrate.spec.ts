// What people do with what lets them in: a new password, a session elsewhere that is ended, a token that is made and revoked; and a
// role that an admin makes, as whoever has it meets it.

import type { APIRequestContext, Browser, Page } from "@playwright/test";
import { ADMIN, Place, freePort, signIn } from "./program.ts";
import { awake, expect, test } from "./support.ts";

const NEW_PASSWORD = "copper lantern meadow nineteen";

type State = Awaited<ReturnType<typeof signIn>>;

interface Person {
  id: string;
  email: string;
  password: string;
}

let place: Place;
let site: string;
/** What the first account's browser holds. */
let owner: State;
let addresses = 0;

// One server for all of them.
test.describe.configure({ mode: "default" });

test.use({ storageState: { cookies: [], origins: [] } });

/** Tries to sign in are limited by address: each comes from another one. */
function elsewhere(): Record<string, string> {
  addresses += 1;
  return { "x-forwarded-for": `203.0.113.${addresses}` };
}

test.beforeAll(async () => {
  place = new Place("own-account");
  const port = await freePort();
  site = `http://127.0.0.1:${port}`;
  await place.serve(`app: { listen: "127.0.0.1:${port}" }\nserver: { trusted_proxies: [127.0.0.1/32] }\n`);
  owner = await signIn(site, ADMIN, elsewhere());
});

test.afterAll(() => place.end());

type NewContext = (options: { baseURL: string; storageState?: State; extraHTTPHeaders?: Record<string, string> }) => Promise<APIRequestContext>;

/** Somebody with an account, who has chosen a password by their invitation. */
async function person(newContext: NewContext, name: string, role: string): Promise<Person> {
  const by = await newContext({ baseURL: site, storageState: owner });
  const email = `${name}@example.org`;
  const invited = await by.post("/api/v1/admin/users", { data: { email, role } });
  expect(invited.status()).toBe(201);
  const { id, link } = (await invited.json()) as { id: string; link: string };
  await by.dispose();
  const taken = await fetch(site + link, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", origin: site, ...elsewhere() },
    body: new URLSearchParams({ password: ADMIN.password }),
    redirect: "manual",
  });
  expect(taken.headers.get("location")).toBe("/sign-in?chosen");
  return { id, email, password: ADMIN.password };
}

/** A browser of its own that this person is signed in with. */
async function another(browser: Browser, who: Person, agent: Record<string, string> = {}): Promise<Page> {
  const storageState = await signIn(site, who, { ...elsewhere(), ...agent });
  const context = await browser.newContext({ storageState });
  return context.newPage();
}

async function openAccount(page: Page, email: string) {
  await page.goto(`${site}/account`);
  await expect(page.getByRole("main")).toContainText(email);
  await awake(page);
}

/** Goes on by a click, as somebody does who does not know that they are signed out. */
async function isOutAtNextClick(page: Page, email: string) {
  await page.locator(".account-button").click();
  await page.locator("#account-menu").getByRole("link", { name: "Your account" }).click();
  await expect(page.getByRole("main")).toContainText("Sign in to see this page");
  await expect(page.locator(".account-button")).toHaveCount(0);
  await expect(page.locator("body")).not.toContainText(email);
}

test("a changed password signs out everywhere else, stays here, and is the one that counts", async ({ page, context, browser, playwright }) => {
  const ada = await person((options) => playwright.request.newContext(options), "password", "user");
  await context.addCookies((await signIn(site, ada, elsewhere())).cookies);
  const other = await another(browser, ada);
  await openAccount(other, ada.email);

  await openAccount(page, ada.email);
  const section = page.locator("#password");
  await section.getByLabel("Current password").fill(ada.password);
  await section.getByLabel("New password").fill(NEW_PASSWORD);
  await section.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByRole("main")).toContainText("Your password is changed, and you are signed out everywhere else.");
  await expect(section.getByLabel("New password"), "it does not stay in the field").toHaveValue("");
  await expect(page.locator("#sessions tbody tr")).toHaveCount(1);
  await page.reload();
  await expect(page.getByRole("main"), "one's own session stays").toContainText(ada.email);

  await isOutAtNextClick(other, ada.email);
  await other.context().close();
  await expect(signIn(site, ada, elsewhere())).rejects.toThrow("can't sign in");
  await signIn(site, { ...ada, password: NEW_PASSWORD }, elsewhere());
});

test("a session in another browser is told by its device, and is out at its next click once it is ended", async ({ page, context, browser, playwright }) => {
  const ada = await person((options) => playwright.request.newContext(options), "sessions", "user");
  await context.addCookies((await signIn(site, ada, elsewhere())).cookies);
  const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0";
  const other = await another(browser, ada, { "user-agent": agent });
  await openAccount(other, ada.email);

  await openAccount(page, ada.email);
  const rows = page.locator("#sessions tbody tr");
  await expect(rows).toHaveCount(2);
  await expect(rows.filter({ hasText: "this one" })).toHaveCount(1);
  await expect(rows.filter({ hasText: "this one" }).getByRole("button"), "one's own is left by signing out").toHaveCount(0);
  await expect(rows.filter({ hasText: "Firefox on Linux" })).toHaveCount(1);
  await page.getByRole("button", { name: "Sign out Firefox on Linux" }).click();
  await expect(page.getByRole("main")).toContainText("That session is signed out.");
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText("this one");

  await isOutAtNextClick(other, ada.email);
  await other.context().close();
  await page.reload();
  await expect(page.getByRole("main"), "one's own session stays").toContainText(ada.email);
});

test("a token is shown once, does what its scopes say, and nothing once it is revoked", async ({ page, context, playwright }) => {
  const ada = await person((options) => playwright.request.newContext(options), "token", "developer");
  await context.addCookies((await signIn(site, ada, elsewhere())).cookies);
  await openAccount(page, ada.email);
  const tokens = page.locator("#tokens");
  await tokens.getByText("New token…").click();
  await tokens.getByLabel("Name", { exact: true }).fill("backup script");
  await expect(tokens.locator('input[value="read"]')).toBeChecked();
  await expect(tokens.locator('input[value="jobs:run"]')).not.toBeChecked();
  await expect(tokens.locator('input[value="admin"]'), "no more than its person may").toHaveCount(0);
  await tokens.getByRole("button", { name: "Create token" }).click();
  await expect(page.getByRole("main")).toContainText("The token is created.");
  const shown = tokens.locator(".once .secret code");
  await expect(shown).toHaveText(/^kst_\w+$/);
  const authorization = `Bearer ${await shown.innerText()}`;
  await page.reload();
  await expect(tokens.getByRole("row").filter({ hasText: "backup script" })).toHaveCount(1);
  await expect(shown, "shown once").toHaveCount(0);

  const program = await playwright.request.newContext({ baseURL: site, extraHTTPHeaders: { authorization } });
  const own = await program.get("/api/v1/users/me");
  expect(own.status()).toBe(200);
  expect(await own.json()).toMatchObject({ email: ada.email, role: "developer" });
  expect((await program.post("/api/v1/repositories/sync")).status(), "its person may, it may not").toBe(403);

  await awake(page);
  await tokens.getByRole("button", { name: "Revoke backup script" }).click();
  await expect(page.getByRole("main")).toContainText("The token no longer works.");
  await expect(tokens).toContainText("No tokens");
  expect((await program.get("/api/v1/users/me")).status()).toBe(403);
  expect((await program.get("/api/v1/repositories/")).status(), "not even what everybody may read").toBe(403);
  await program.dispose();
});

test("a role that an admin makes allows exactly what it is made of, from the next request on", async ({ page, context, browser, playwright }) => {
  const newContext: NewContext = (options) => playwright.request.newContext(options);
  const ada = await person(newContext, "role", "user");
  const storageState = await signIn(site, ada, elsewhere());
  const hers = await (await browser.newContext({ storageState })).newPage();
  const program = await newContext({ baseURL: site, storageState });
  const offers = async (path: string, role: "link" | "button", name: string, is: boolean) => {
    await hers.goto(site + path);
    await expect(hers.getByRole("heading", { level: 1 })).toBeVisible();
    await awake(hers);
    const found = hers.getByRole("main").getByRole(role, { name, exact: true });
    if (is) await expect(found.first(), `${name} on ${path}`).toBeVisible();
    else await expect(found, `${name} on ${path}`).toHaveCount(0);
  };
  const syncs = async () => (await program.post("/api/v1/repositories/sync")).status();
  await offers("/tasks", "button", "Run now", false);
  expect(await syncs()).toBe(403);

  await context.addCookies(owner.cookies);
  const main = page.getByRole("main");
  await page.goto(`${site}/admin/roles`);
  await awake(page);
  await main.getByText("New role…").click();
  const making = main.locator("form", { has: page.getByRole("button", { name: "Create role" }) });
  await making.getByLabel("Name", { exact: true }).fill("operator");
  await expect(making.locator('input[value="read"]')).toBeChecked();
  await making.locator('input[value="jobs:run"]').check();
  await making.getByRole("button", { name: "Create role" }).click();
  await expect(main).toContainText("The role operator is created.");
  await expect(main.getByRole("table").getByRole("row").filter({ hasText: "operator" })).toContainText("custom");

  await page.goto(`${site}/admin/users/${ada.id}`);
  await awake(page);
  await main.locator("select[name=role]").selectOption("operator");
  await main.getByRole("button", { name: "Change role" }).click();
  await expect(main).toContainText("The role is now operator.");

  // She is signed in as before.
  await openAccount(hers, ada.email);
  await expect(hers.getByRole("main")).toContainText("role operator");
  await offers("/tasks", "button", "Run now", true);
  await offers("/repositories", "button", "Sync all", true);
  await offers("/repositories", "link", "Add repository", false);
  await offers("/triggers", "link", "Add trigger", false);
  await expect(hers.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Administration" })).toHaveCount(0);
  expect(await syncs()).toBe(202);
  expect((await program.post("/api/v1/repositories/", { data: { urls: ["https://example.org/somebody/a-cluster"] } })).status()).toBe(403);
  expect((await program.get("/api/v1/admin/users")).status()).toBe(403);

  await page.goto(`${site}/admin/roles`);
  await awake(page);
  await main.locator("summary", { hasText: /^operator$/ }).click();
  const saving = main.locator("form", { has: page.getByRole("button", { name: "Save role" }) });
  await saving.locator('input[value="jobs:run"]').uncheck();
  await saving.getByRole("button", { name: "Save role" }).click();
  await expect(main).toContainText("The role operator is saved.");
  await offers("/tasks", "button", "Run now", false);
  expect(await syncs()).toBe(403);
  await program.dispose();
  await hers.context().close();
});
