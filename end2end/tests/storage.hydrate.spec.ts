// What a browser keeps of somebody: while they are in, a cookie that scripts can't read; afterwards nothing that is theirs.

import type { BrowserContext, Page } from "@playwright/test";
import { ADMIN, Place, freePort } from "./program.ts";
import { awake, expect, test } from "./support.ts";

let place: Place;
let site: string;

test.use({ storageState: { cookies: [], origins: [] } });

test.beforeAll(async () => {
  place = new Place("storage");
  const port = await freePort();
  site = `http://127.0.0.1:${port}`;
  await place.serve(`app: { listen: "127.0.0.1:${port}" }\n`);
});

test.afterAll(() => place.end());

/** Pages that anybody may read, and those that are about somebody. */
const OPEN = ["/", "/repositories", "/resources", "/charts", "/images", "/ecosystem", "/watch", "/triggers", "/tasks", "/docs/"];
const PRIVATE = ["/account", "/repositories/add", "/triggers/new", ...["users", "roles", "permissions", "forges", "audit"].map((part) => `/admin/${part}`)];

/** All that scripts of a page can keep, but for files, which none of ours can make. */
const kept = (page: Page) => page.evaluate(async () => ({
  local: Object.entries(localStorage),
  session: Object.entries(sessionStorage),
  databases: (await indexedDB.databases()).map(({ name }) => name),
  caches: await caches.keys(),
  workers: (await navigator.serviceWorker.getRegistrations()).length,
  name: window.name,
}));

const NOTHING = { local: [], session: [], databases: [], caches: [], workers: 0, name: "" };

const cookies = async (context: BrowserContext) => Object.fromEntries((await context.cookies()).map((cookie) => [cookie.name, cookie]));

test("nothing is kept in the browser but a theme, who is in, and that somebody came in with it", async ({ page, context, forgive }) => {
  // What the documentation, which is not ours, has to say to its makers.
  forgive(/\/docs\//);
  await page.goto(`${site}/sign-in`);
  await page.getByLabel("E-mail address").fill(ADMIN.email);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.locator(".account-button")).toBeVisible();
  const chosen = await context.request.post(`${site}/ui/theme`, { form: { theme: "dark" } });
  expect(chosen.ok()).toBe(true);
  for (const path of [...OPEN, ...PRIVATE]) {
    await test.step(path, async () => {
      expect((await page.goto(site + path))?.status()).toBe(200);
      if (path === "/docs/") await expect(page.locator("#swagger-ui .info")).toBeVisible({ timeout: 60_000 });
      else await awake(page);
      expect(await kept(page)).toEqual(NOTHING);
      expect(await page.evaluate(() => document.cookie), "scripts read the theme alone").toBe("theme=dark");
    });
  }
  const within = await cookies(context);
  expect(Object.keys(within).sort()).toEqual(["kubestats", "kubestats_device", "theme"]);
  expect(within.kubestats).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
  expect(within.kubestats_device).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/sign-in" });
  for (const { name, value } of Object.values(within)) {
    expect(decodeURIComponent(value), `${name} says who somebody is`).not.toMatch(/ada|example\.org|violet/);
  }

  await page.goto(site);
  await page.locator(".account-button").click();
  await page.getByRole("button", { name: "Sign out" }).first().click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  expect(await kept(page)).toEqual(NOTHING);
  expect(Object.keys(await cookies(context)).sort(), "the session is gone").toEqual(["kubestats_device", "theme"]);
  // What a browser has of a page that it may show without asking.
  forgive(/ERR_CACHE_MISS|504/);
  const shown = await page.evaluate(async (paths) => {
    const has = async (path: string) => {
      const answer = await fetch(path, { cache: "only-if-cached", mode: "same-origin" }).catch(() => undefined);
      return answer?.ok === true;
    };
    const all = await Promise.all(paths.map(async (path) => [path, await has(path)] as const));
    return all.filter(([, is]) => is).map(([path]) => path);
  }, PRIVATE);
  expect(shown).toEqual([]);
});
