// A trigger from its form to a receiver that checks signatures: tried before it is on, told once, told again on demand.

import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { APIRequestContext, Page } from "@playwright/test";

import { Place, freePort, signIn } from "./program.ts";
import { awake, expect, test } from "./support.ts";

interface Told {
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

let place: Place;
let site: string;
let work: string;
let repository: string;
let signedIn: Awaited<ReturnType<typeof signIn>>;
let receiver: Server;
let hook: string;
const answerWith = 202;
const told: Told[] = [];

test.describe.configure({ mode: "serial" });
test.use({ storageState: async ({}, use) => use(signedIn) });

function push(message: string) {
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", work, "-c", "user.name=ada", "-c", "user.email=ada@example.com", ...args], { stdio: "pipe" });
  writeFileSync(join(work, "settings.yaml"), `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { note: ${JSON.stringify(message)} }\n`);
  git("add", "--all");
  git("commit", "--message", message);
  git("push", "--quiet", "origin", "HEAD:main");
}

/** Has the repository's branches looked at, and waits until that is done. */
async function look(request: APIRequestContext) {
  const answer = await request.post(`${site}/api/v1/repositories/${repository}/sync`);
  const job = /jobs\/([0-9a-f-]+)$/.exec(answer.headers().location ?? "")?.[1];
  await expect.poll(async () => (await (await request.get(`${site}/api/v1/jobs/${job}`)).json()).state, { timeout: 60_000 }).toBe("succeeded");
}

/** Waits for a page to say something; without scripts it does not change by itself. */
async function says(page: Page, text: string | RegExp, hasScripts: boolean | undefined) {
  const main = page.getByRole("main");
  if (hasScripts !== false) return expect(main).toContainText(text, { timeout: 60_000 });
  await expect
    .poll(async () => {
      await page.reload();
      return main.innerText();
    }, { timeout: 60_000 })
    .toMatch(text);
}

test.beforeAll(async ({ playwright }) => {
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      told.push({ headers: request.headers, body });
      response.writeHead(answerWith, { "content-type": "text/plain" }).end("taken");
    });
  });
  await new Promise<void>((listening) => receiver.listen(0, "127.0.0.1", listening));
  hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks/kubestats`;

  place = new Place("triggers");
  const served = join(place.folder, "forge", "ada", "cluster.git");
  work = join(place.folder, "work");
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", served]);
  execFileSync("git", ["clone", "--quiet", served, work], { stdio: "pipe" });
  push("Begin");
  const port = await freePort();
  site = `http://127.0.0.1:${port}`;
  const { git } = await place.forge(join(place.folder, "forge"));
  await place.serve(`
app: { listen: "127.0.0.1:${port}", samples: never }
security: { allowed_networks: [127.0.0.0/8], require_https: false }
`);
  signedIn = await signIn(site);
  const request = await playwright.request.newContext({ baseURL: site, storageState: signedIn });
  const added = await (await request.post("/api/v1/repositories/", { data: { urls: [`${git}/ada/cluster.git`] } })).json();
  const find = async () => (await (await request.get("/api/v1/repositories/")).json()).data as { id: string; scan_status: string }[];
  await expect.poll(async () => (await find()).map(({ scan_status }) => scan_status), { timeout: 60_000, message: JSON.stringify(added) }).toEqual(["success"]);
  [{ id: repository }] = await find();
  expect((await request.put(`/api/v1/repositories/${repository}/watch`, { data: {} })).status()).toBe(200);
  await look(request);
  push("Change before there is a trigger");
  await look(request);
  await request.dispose();
});

test.afterAll(async () => {
  await place.end();
  receiver.closeAllConnections();
  receiver.close();
});

test("a trigger is tried on the past, saved, and tells its receiver once it is on", async ({ page, request, javaScriptEnabled, forgive }) => {
  forgive(/status of 400.*\/ui\/save_trigger/);
  const main = page.getByRole("main");
  await page.goto(`${site}/triggers`);
  await expect(main).toContainText("No triggers yet");
  await page.getByRole("link", { name: "Add trigger" }).click();
  await main.getByRole("link", { name: /^Webhook/ }).click();
  if (javaScriptEnabled !== false) await awake(page);
  await main.getByLabel("Name").fill("deploy main");
  await main.getByLabel("Address").fill(hook);
  await main.getByLabel("Branches").fill("(");
  await main.getByRole("button", { name: "Save" }).click();
  const branches = main.getByLabel("Branches");
  await expect(branches).toHaveAttribute("aria-invalid", "true");
  await expect(main.getByLabel("Name"), "nothing typed is lost").toHaveValue("deploy main");
  await expect(main.getByLabel("Address")).toHaveValue(hook);
  await branches.fill("^main$");
  await main.getByRole("button", { name: /Try it on the last 30 days/ }).click();
  await expect(main).toContainText(/It would have fired [1-9] times? in the last 30 days/);
  expect(told, "nobody is told of a dry run").toHaveLength(0);
  await main.getByRole("button", { name: "Save" }).click();
  await expect(page).toHaveURL(/\/triggers\/[0-9a-f-]{36}/);
  await expect(main).toContainText("It is off until you switch it on");
  const secret = await main.locator(".once code").innerText();
  expect(secret).toMatch(/^whsec_/);
  await page.goto(page.url().split("?")[0]);
  await expect(main.getByRole("heading", { level: 1 })).toHaveText("deploy main");
  await expect(page.locator("body"), "it is shown once").not.toContainText(secret);

  push("Change while it is off");
  await look(request);
  await main.getByRole("button", { name: "Switch on" }).click();
  await expect(main).toContainText("The trigger is on");
  expect(told).toHaveLength(0);
  push("Change while it is on");
  await look(request);
  await says(page, /Delivered[\s\S]*cluster/, javaScriptEnabled);
  expect(told).toHaveLength(1);
  const [{ headers, body }] = told;
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const signature = createHmac("sha256", key).update(signed).digest("base64");
  expect(String(headers["webhook-signature"]).split(" ")).toContain(`v1,${signature}`);

  await main.getByRole("table", { name: "Deliveries" }).getByRole("link", { name: /cluster.*main/ }).click();
  await expect(page).toHaveURL(new RegExp(`/deliveries/${headers["webhook-id"]}`));
  await expect(main).toContainText("It arrived, after 1 attempt");
  await expect(main).toContainText("webhook-signature");
  await expect(main).toContainText("taken");
  await main.getByRole("button", { name: "Replay" }).click();
  await expect(main).toContainText("by the same id");
  await says(page, "It arrived, after 2 attempts", javaScriptEnabled);
  expect(told.map(({ headers }) => headers["webhook-id"])).toEqual([headers["webhook-id"], headers["webhook-id"]]);

  await page.goto(`${site}/triggers/new?kind=webhook`);
  if (javaScriptEnabled !== false) await awake(page);
  await main.getByLabel("Name").fill("deploy main");
  await main.getByLabel("Address").fill(hook);
  await main.getByRole("button", { name: "Save" }).click();
  await expect(main, "only saving finds that out").toContainText(/called deploy main already/);
});

test("a trigger is tested with what happened last, and deleted", async ({ page, request, javaScriptEnabled }) => {
  const main = page.getByRole("main");
  const [{ id }] = (await (await request.get(`${site}/api/v1/triggers`)).json()) as { id: string }[];
  await page.goto(`${site}/triggers/${id}?state=failed`);
  await says(page, "No delivery matches", javaScriptEnabled);

  await main.locator("summary", { hasText: "Test…" }).click();
  await main.getByRole("button", { name: "Send test" }).click();
  await expect(page).toHaveURL(/\/deliveries\//);
  await says(page, /It arrived, after 3 attempts/, javaScriptEnabled);

  await page.goto(`${site}/triggers/${id}`);
  await main.locator("summary", { hasText: "Delete…" }).click();
  await main.getByRole("button", { name: "Delete for good" }).click();
  await expect(main).toContainText("The trigger deploy main is deleted");
});
