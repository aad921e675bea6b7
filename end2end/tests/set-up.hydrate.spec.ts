// The first account by the link that only the log shows, and what pages offer to each role after that.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "@playwright/test";
import { ADMIN, freePort } from "./program.ts";
import { awake, expect, test, violations } from "./support.ts";

const OWNER = "grace@example.org";
const ROLES = {
  viewer: { manages: false, administers: false },
  user: { manages: false, administers: false },
  developer: { manages: true, administers: false },
  admin: { manages: true, administers: true },
};

let folder: string;
let server: ChildProcess;
let site: string;
let link: string;
/** What the first account's browser holds. */
let owner: Awaited<ReturnType<BrowserContext["storageState"]>>;

test.describe.configure({ mode: "serial" });

// Tries to sign in are limited by address, so everybody has one of their own.
const from = (address: string) => ({ storageState: { cookies: [], origins: [] }, extraHTTPHeaders: { "x-forwarded-for": address } });

/** Starts Kubestats where nobody is known yet; the link that it then writes to its log. */
function begin(config: string): Promise<string> {
  const program = process.env.KUBESTATS_PROGRAM;
  if (!program) throw new Error("KUBESTATS_PROGRAM is not set: run the browser tests by `make test`");
  writeFileSync(join(folder, "kubestats.yaml"), config);
  const env = { ...process.env, KUBESTATS_APP_DATA_DIR: join(folder, "data"), KUBESTATS_APP_LOG_FORMAT: "json" };
  const started = spawn(program, ["serve"], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  server = started;
  return new Promise((resolve, reject) => {
    let said = "";
    const listen = (chunk: Buffer) => {
      said += chunk;
      const found = /http:\/\/[\w.:]+\/set-up\/[\w-]+/.exec(said)?.[0];
      if (found && /serving http/.test(said)) resolve(found);
    };
    started.stdout.on("data", listen);
    started.stderr.on("data", listen);
    started.on("exit", () => reject(new Error(`${program} ended:\n${said}`)));
  });
}

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "kubestats-e2e-set-up-"));
  const port = await freePort();
  site = `http://127.0.0.1:${port}`;
  link = await begin(`app: { listen: "127.0.0.1:${port}" }\nserver: { trusted_proxies: [127.0.0.1/32] }\n`);
});

test.afterAll(async () => {
  server.removeAllListeners("exit");
  if (server.exitCode === null && server.signalCode === null) {
    const ended = new Promise((resolve) => server.on("exit", resolve));
    server.kill("SIGTERM");
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 15_000))]);
    if (server.exitCode === null) server.kill("SIGKILL");
  }
  rmSync(folder, { recursive: true, force: true });
});

const rail = (page: Page, name: string) => page.getByRole("navigation", { name: "Site" }).getByRole("link", { name });

/** Chooses a password by an invitation, then signs in with it. */
async function takeAccount(page: Page, invitation: string, email: string) {
  await page.goto(site + invitation);
  await awake(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Welcome to Kubestats");
  await expect(page.getByLabel("E-mail address")).toHaveValue(email);
  expect(await violations(page)).toEqual([]);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page).toHaveURL(/\/sign-in\?chosen/);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).not.toHaveURL(/\/sign-in/);
}

test.describe("the first account", () => {
  test.use(from("203.0.113.1"));
  test("is made by the link of the log, which works once", async ({ page, context }) => {
    await page.goto(`${site}/sign-in`);
    await expect(page.getByRole("main"), "nobody can sign in yet").toContainText("There are no accounts yet");
    await page.goto(link);
    await awake(page);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Set up Kubestats");
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("E-mail address").fill(OWNER);
    await page.getByLabel("Name (optional)").fill("Grace");
    await page.getByLabel("Password").fill(ADMIN.password);
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page).toHaveURL(`${site}/`);
    await expect(page.locator(".account-button")).toContainText("Grace");
    await expect(rail(page, "Administration")).toBeVisible();
    await page.goto(`${site}/account`);
    await expect(page.getByRole("main")).toContainText("role admin");
    owner = await context.storageState();

    await page.goto(link);
    await expect(page.getByRole("main")).toContainText("This link no longer works");
    await expect(page.getByRole("button", { name: "Create account" })).toHaveCount(0);
  });
});

Object.entries(ROLES).forEach(([role, { manages, administers }], number) => {
  test.describe(`whoever is ${role}`, () => {
    test.use(from(`203.0.113.${10 + number}`));
    test("comes in by an invitation, and is offered what they may do and no more", async ({ page, playwright, forgive }) => {
      const email = `${role}@example.org`;
      const by = await playwright.request.newContext({ baseURL: site, storageState: owner });
      const invited = await by.post("/api/v1/admin/users", { data: { email, role } });
      expect(invited.status()).toBe(201);
      const { id, link: invitation } = (await invited.json()) as { id: string; link: string };
      await by.dispose();
      await takeAccount(page, invitation, email);

      const main = page.getByRole("main");
      const offers = async (path: string, kind: "link" | "button", name: string, is: boolean) => {
        await page.goto(site + path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await awake(page);
        const found = main.getByRole(kind, { name, exact: true });
        if (is) await expect(found.first(), `${name} on ${path}`).toBeVisible();
        else await expect(found, `${name} on ${path}`).toHaveCount(0);
      };
      await offers("/repositories", "link", "Add repository", manages);
      await offers("/repositories", "button", "Sync all", manages);
      await offers("/triggers", "link", "Add trigger", manages);
      await offers("/tasks", "button", "Run now", manages);
      await offers("/tasks", "button", "Read it again", administers);

      await expect(rail(page, "Administration")).toHaveCount(administers ? 1 : 0);
      if (!administers) forgive(/403 \(Forbidden\)/);
      const answer = await page.goto(`${site}/admin/users/${id}`);
      expect(answer?.status()).toBe(administers ? 200 : 403);
      if (administers) {
        await awake(page);
        await expect(page.getByRole("heading", { level: 1 })).toHaveText(email);
        expect(await violations(page)).toEqual([]);
        await page.goto(`${site}/admin/users`);
        await expect(main.getByRole("table")).toContainText(OWNER);
      } else {
        await expect(main).toContainText("Your account may not see this page");
        await page.goto(`${site}/admin/users`);
        await expect(main).toContainText("Your account may not see this page");
        await expect(main.getByRole("table")).toHaveCount(0);
      }
    });
  });
});
