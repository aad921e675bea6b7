// Coming in by an issuer of OpenID Connect that others wrote, through its own pages and back.

import type { Page } from "@playwright/test";
import { ADMIN, Place, freePort, signIn } from "./program.ts";
import { awake, expect, test, violations } from "./support.ts";

let place: Place;
let site: string;

test.use({ storageState: { cookies: [], origins: [] } });

test.beforeAll(async () => {
  place = new Place("elsewhere");
  const [port, issuer] = [await freePort(), await freePort()];
  site = `http://127.0.0.1:${port}`;
  await place.issuer(issuer, `${site}/auth/company/callback`);
  await place.serve(`
app: { listen: "127.0.0.1:${port}" }
server: { public_url: "${site}" }
accounts:
  oidc:
    - id: company
      name: Company
      issuer: http://127.0.0.1:${issuer}
      client_id: kubestats
      client_secret: the issuer's word for us
      scopes: [email, profile, groups]
      sign_up: true
      roles: [{ group: ops, role: admin }, { group: dev, role: developer }]
`);
});

test.afterAll(() => place.end());

/** Signs in on the issuer's own pages, and agrees there. */
async function atIssuer(page: Page, email: string) {
  await page.locator("input[name=login]").fill(email);
  await page.locator("input[name=password]").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL(`${site}/**`);
}

// The issuer's pages want a font and an icon that are not there; nobody waits for a network that may not be there either.
test.beforeEach(async ({ page, forgive }) => {
  forgive(/fonts\.googleapis\.com|favicon\.ico/);
  await page.route(/^https:\/\/fonts\.googleapis\.com\//, (route) => route.abort());
});

test("somebody comes in by their company, with the role of their group, and is back where they were", async ({ page, forgive }) => {
  await page.goto(`${site}/sign-in?from=%2Fcharts`);
  await page.getByRole("link", { name: "Continue with Company" }).click();
  await atIssuer(page, "dev.lin@example.org");
  await expect(page).toHaveURL(`${site}/charts`);
  await page.goto(`${site}/account`);
  const main = page.getByRole("main");
  await expect(main).toContainText("dev.lin@example.org");
  await expect(main).toContainText("role developer");
  await expect(main.locator("#connections"), "the issuer is named").toContainText("127.0.0.1");
  await expect(main.getByLabel("Current password"), "there is none to change").toHaveCount(0);
  await awake(page);
  forgive(/400 \(Bad Request\).*unlink_identity/);
  await main.getByRole("button", { name: /^Disconnect/ }).click();
  await expect(main, "the only way in stays").toContainText("only way into your account");
  expect(await violations(page)).toEqual([]);
});

test("whose groups may not come in is told so, and no account is made", async ({ page }) => {
  await page.goto(`${site}/auth/company`);
  await atIssuer(page, "guests.gil@example.org");
  await expect(page).toHaveURL(/\/sign-in\?outcome=/);
  await expect(page.getByRole("main")).toContainText("None of your groups at Company may come in here");
});

test("an account that is there is connected by its person, with their password", async ({ page, context }) => {
  await context.addCookies((await signIn(site)).cookies);
  await page.goto(`${site}/account`);
  await page.getByRole("link", { name: "Connect Company" }).click();
  await atIssuer(page, "ops.ada@example.org");
  await expect(page).toHaveURL(/\/account\?connect/);
  const ask = page.locator("#connections");
  await expect(ask).toContainText("Company as ops.ada@example.org will be you here");
  await awake(page);
  await ask.getByLabel("Password").fill(ADMIN.password);
  await ask.getByRole("button", { name: "Connect" }).click();
  await expect(page.getByRole("main")).toContainText("You can sign in by Company from now on");
  await context.clearCookies();
  await page.goto(`${site}/sign-in`);
  await page.getByRole("link", { name: "Continue with Company" }).click();
  await atIssuer(page, "ops.ada@example.org");
  await expect(page).toHaveURL(`${site}/`);
  await page.goto(`${site}/account`);
  await expect(page.getByRole("main")).toContainText(ADMIN.email);
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false });
  test("the way there and back needs none", async ({ page }) => {
    await page.goto(`${site}/sign-in`);
    await page.getByRole("link", { name: "Continue with Company" }).click();
    await atIssuer(page, "dev.kim@example.org");
    await expect(page).toHaveURL(`${site}/`);
    await expect(page.getByRole("banner")).not.toContainText("Sign in");
  });
});
