// A second factor set up by hand, and sessions that end while somebody works.

import { createHmac } from "node:crypto";
import type { Page } from "@playwright/test";
import { ADMIN, Place, freePort } from "./program.ts";
import { awake, expect, test, violations } from "./support.ts";

let place: Place;
let site: string;

// Tries to sign in are limited by address, so each test has one of its own.
const from = (address: string) => ({ storageState: { cookies: [], origins: [] }, extraHTTPHeaders: { "x-forwarded-for": address } });

test.beforeAll(async () => {
  place = new Place("sessions");
  const port = await freePort();
  site = `http://127.0.0.1:${port}`;
  await place.serve(`app: { listen: "127.0.0.1:${port}" }\nserver: { trusted_proxies: [127.0.0.1/32] }\n`);
});

test.afterAll(() => place.end());

async function come(page: Page, to = "/") {
  await page.goto(`${site}/sign-in?from=${encodeURIComponent(to)}`);
  await page.getByLabel("E-mail address").fill(ADMIN.email);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  // The page that was left is awake too: what follows must not act on it.
  await expect(page).not.toHaveURL(/\/sign-in\?/);
}

/** What an authenticator app shows (RFC 6238). */
function code(secret: string, time = Date.now()): string {
  const bits = [...secret.replace(/[\s=]/g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(time / 30_000)));
  const hash = createHmac("sha1", key).update(step).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return `${number % 1_000_000}`.padStart(6, "0");
}

test.describe("a second factor", () => {
  test.use(from("203.0.113.1"));
  test("is set up by hand, asked for, and lost", async ({ page, context }) => {
    await come(page, "/account");
    await awake(page);
    const factor = page.locator("#second-factor");
    await factor.getByLabel("Password").fill(ADMIN.password);
    await factor.getByRole("button", { name: "Set up two-factor sign-in" }).click();
    const secret = await factor.locator(".secret code").innerText();
    await expect(factor.locator(".qr svg")).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await factor.getByLabel("The code that the app shows").fill(code(secret));
    await factor.getByRole("button", { name: "Turn on" }).click();
    await expect(factor.locator(".codes li")).toHaveCount(10);
    const recovery = await factor.locator(".codes li").first().innerText();
    await page.reload();
    await expect(factor.locator(".codes"), "shown once").toHaveCount(0);

    await context.clearCookies();
    // Another day: no person is as fast as this.
    await page.setExtraHTTPHeaders({ "x-forwarded-for": "203.0.113.3" });
    await come(page, "/charts");
    await expect(page).toHaveURL(/\/sign-in\/code\?/);
    await expect(page.locator("body"), "nobody is in yet").not.toContainText(ADMIN.email);
    expect(await violations(page)).toEqual([]);
    await page.getByText("Lost your device?").click();
    await page.getByLabel("Recovery code").fill(recovery);
    await page.getByRole("button", { name: "Use recovery code" }).click();
    await expect(page).toHaveURL(`${site}/charts`);

    await page.goto(`${site}/account`);
    await awake(page);
    await factor.getByText("Turn off…").click();
    await factor.getByLabel("Password").fill(ADMIN.password);
    await factor.getByRole("button", { name: "Turn off two-factor sign-in" }).click();
    await expect(page.getByRole("main")).toContainText("Two-factor sign-in is off");
  });
});

test.describe("a session that ends", () => {
  test.use(from("203.0.113.2"));
  test("takes nothing that was typed with it, and another tab lets one go on", async ({ page, context, forgive }) => {
    await come(page, "/repositories/add");
    await awake(page);
    const typed = "https://example.org/somebody/a-cluster";
    const field = page.getByRole("main").locator("textarea");
    await field.fill(typed);
    const other = await context.newPage();
    await other.goto(site);
    await other.locator(".account-button").click();
    await other.getByRole("button", { name: "Sign out" }).first().click();
    await expect(other.getByRole("link", { name: "Sign in" })).toBeVisible();

    forgive(/401 \(Unauthorized\)/);
    const send = page.getByRole("main").locator("form:has(textarea) button[type=submit]");
    await send.click();
    const told = page.getByRole("alert").filter({ hasText: "your session has ended" });
    await expect(told).toBeVisible();
    await expect(field).toHaveValue(typed);
    const [again] = await Promise.all([context.waitForEvent("page"), told.getByRole("link", { name: /Sign in/ }).click()]);
    await again.getByLabel("E-mail address").fill(ADMIN.email);
    await again.getByLabel("Password").fill(ADMIN.password);
    await again.getByRole("button", { name: "Sign in" }).click();
    await expect(again.locator(".account-button")).toBeVisible();
    await send.click();
    await expect(told).toHaveCount(0);
    await expect(page.getByRole("main")).toContainText("a-cluster");
    await expect(page.getByRole("main")).not.toContainText("session has ended");
  });
});
