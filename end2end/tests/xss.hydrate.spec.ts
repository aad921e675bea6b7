// Cross-site scripting by every field that a forge, a manifest, a receiver or a person fills: all of them are hostile at once, and
// every page, file and answer that holds them is looked at.

import { readFileSync } from "node:fs";
import type { APIResponse, BrowserContext, Page } from "@playwright/test";
import { IMG, SVG, TEXT, quoted } from "./hostile.ts";
import { begin, pages, type Shown, type World } from "./hostile-world.ts";
import { look, nonceOf, noteViolations } from "./markup.ts";
import { awake, expect, test } from "./support.ts";

let world: World;

// One world for all of them.
test.describe.configure({ mode: "serial" });

test.use({ storageState: async ({}, use) => use(world?.signedIn) });

test.beforeAll(async ({ playwright }) => {
  world = await begin((options) => playwright.request.newContext(options));
});

test.afterAll(() => world?.end());

const POLICY = "script-src 'nonce-right'";

/** What is planted, and how it is told; with a policy, and without one where something has to run. */
const PLANTED: [string, RegExp, string?][] = [
  ['<p onclick="1">planted</p>', /^<p> has onclick$/, POLICY],
  ['<p title=""planted">planted</p>', /^<p> has an attribute called planted"$/, POLICY],
  ['<a href="java&#10;script:void 0">planted</a>', /^href of <a> is java\nscript:void 0$/, POLICY],
  ['<form action="data:text/html,planted"></form>', /^action of <form> is data:/, POLICY],
  ['<button formaction="https://elsewhere.example/">planted</button>', /^formaction of <button> leads to https:/, POLICY],
  ['<img src="x">', /^there is <img>$/, POLICY],
  ['<iframe srcdoc="planted"></iframe>', /^there is <iframe>$/, POLICY],
  ['<meta http-equiv="refresh" content="99">', /^there is <meta> with http-equiv$/, POLICY],
  ['<script nonce="wrong">window.planted = 1</script>', /^<script> without the page's nonce: window/, POLICY],
  ["<script>window.__xss = 1</script>", /^the policy stopped script-src/, POLICY],
  ["<script>window.__xss = 1</script>", /^a stranger's script ran$/],
  ["<img src=x onerror=window.__xss=1>", /^a stranger's script ran$/],
  ["<!-- xss -->", /^a comment holds  xss $/, POLICY],
  ["<!-- wanted -->", /^it does not show wanted$/, POLICY],
  ["<title>planted</title>", /^its title is planted$/, POLICY],
];

test("a look at a page finds what is planted in it", async ({ page, forgive }) => {
  forgive(/./);
  await noteViolations(page);
  for (const [planted, told, policy] of PLANTED) {
    const headers: Record<string, string> = policy ? { "content-security-policy": policy } : {};
    const body = `<!DOCTYPE html><html><head><meta charset="utf-8">${planted}</head><body></body></html>`;
    await page.route("**/planted", (route) => route.fulfill({ contentType: "text/html", headers, body }), { times: 1 });
    await page.goto(`${world.site}/planted`);
    const found = await look(page, { nonce: nonceOf(policy), shows: ["wanted"], title: "wanted" });
    expect(found.filter((line) => told.test(line)), `${planted}: ${found.join("; ")}`).not.toEqual([]);
  }
  const clean = '<!DOCTYPE html><title>wanted</title><script nonce="right">window.fine = 1</script><p>wanted <a href="/x">x</a></p><!---->';
  await page.route("**/planted", (route) => route.fulfill({ contentType: "text/html", headers: { "content-security-policy": POLICY }, body: clean }));
  await page.goto(`${world.site}/planted`);
  expect(await look(page, { nonce: nonceOf(POLICY), shows: ["wanted"], title: "wanted" })).toEqual([]);
});

/** Opens the pages, two at a time; what is wrong with them, a line each. */
async function walk(context: BrowserContext, all: Shown[], hasScripts: boolean): Promise<string[]> {
  const wrong: string[] = [];
  const queue = [...all];
  const way = hasScripts ? "with scripts" : "without";
  await noteViolations(context);
  const visit = async (page: Page, { path, status = 200, isStill, ...wanted }: Shown, say: (text: string) => void) => {
    const answer = await page.goto(`${world.site}${path}`);
    if (answer?.status() !== status) say(`status ${answer?.status()}`);
    const nonce = nonceOf(answer?.headers()["content-security-policy"]);
    if (!nonce) say("it has no nonce");
    if (hasScripts && !isStill) await awake(page);
    for (const line of await look(page, { nonce, ...wanted })) say(line);
  };
  const go = async () => {
    const page = await context.newPage();
    let at = "";
    const say = (text: string) => void wrong.push(`${way}, ${decodeURIComponent(at).slice(0, 120)}: ${text}`);
    page.on("dialog", (dialog) => {
      say(`a dialog says ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("pageerror", (error) => say(`thrown: ${error.message}`));
    page.on("console", (message) => {
      // The browser itself logs an answer of 4xx, which is looked at above.
      const isStatus = /status of 4\d\d/.test(message.text()) && !/\/(ui|api|assets)\//.test(message.location().url);
      const isComplaint = message.type() === "error" || (message.type() === "warning" && /hydrat|mismatch|panick/i.test(message.text()));
      if (isComplaint && !isStatus) say(`${message.type()}: ${message.text()}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 500) say(`${response.status()} of ${response.url()}`);
    });
    for (let next = queue.shift(); next; next = queue.shift()) {
      at = next.path;
      await visit(page, next, say).catch((error: Error) => say(error.message.split("\n")[0]));
    }
    await page.close();
  };
  await Promise.all([go(), go()]);
  return wrong;
}

/** Addresses of all pages, from the table that the router is made of; what only development builds have is left out. */
function routes(): RegExp[] {
  const table = readFileSync(new URL("../../app/src/pages/routes.rs", import.meta.url), "utf8");
  const [, lines] = /^pages! \{$([\s\S]*?)^\}$/m.exec(table) ?? [];
  const found = [...(lines ?? "").matchAll(/ (?:at|or) "([^"]+)"/g)].map(([, route]) => route).filter((route) => !route.startsWith("/dev/"));
  expect(found.length, "the table of pages is found").toBeGreaterThan(30);
  return found.map((route) => new RegExp(`^${route.replace(/:\w+/g, "[^/]+").replace(/\*\w+/g, ".+")}$`));
}

test("no text that a stranger chooses is markup on any page, with scripts and without", async ({ browser }) => {
  test.setTimeout(300_000);
  const all = pages(world);
  const paths = all.filter(({ status = 200 }) => status === 200).map(({ path }) => path.split("?")[0]);
  expect(routes().filter((route) => !paths.some((path) => route.test(path))).map(String), "pages that are not looked at").toEqual([]);
  const ways = await Promise.all([true, false].map(async (hasScripts) => {
    const context = await browser.newContext({ storageState: world.signedIn, javaScriptEnabled: hasScripts });
    const wrong = await walk(context, all, hasScripts);
    await context.close();
    return wrong;
  }));
  expect(ways.flat()).toEqual([]);
});

test("nor is it on pages that the browser makes itself, and in what forms answer", async ({ page, forgive }) => {
  // What was typed is refused.
  forgive(/status of 4\d\d.*\/ui\//);
  await noteViolations(page);
  const main = page.getByRole("main");
  const heading = page.getByRole("heading", { level: 1 });
  let nonce: string | undefined;
  const open = async (path: string) => {
    const answer = await page.goto(`${world.site}${path}`);
    nonce = nonceOf(answer?.headers()["content-security-policy"]);
    await awake(page);
  };
  const holds = async (...shows: string[]) => expect(await look(page, { nonce, shows: [TEXT.person, ...shows] })).toEqual([]);
  const rail = (name: string) => page.getByRole("navigation", { name: "Site" }).getByRole("link", { name }).click();
  const follow = (href: string) => main.locator(`a[href=${JSON.stringify(href)}]`).first().click();

  await open("/resources");
  await page.evaluate(() => ((window as unknown as { kept: boolean }).kept = true));
  await follow(`/resources/${world.resources[TEXT.release]}`);
  await expect(heading).toHaveText(TEXT.release);
  await holds(TEXT.release, TEXT.space, quoted(TEXT.value));
  await main.locator("a.timeline-number").first().click();
  await expect(main.locator(".diff-lines")).toBeVisible();
  await holds(TEXT.versions[0], TEXT.versions[1]);
  await main.getByRole("link", { name: "Fields" }).click();
  await expect(main.locator(".diff-lines")).toHaveCount(0);
  await holds(TEXT.release);

  await rail("Charts");
  await main.getByRole("link", { name: TEXT.chart, exact: true }).first().click();
  await expect(heading).toHaveText(TEXT.chart);
  await holds(TEXT.chart, world.chart.key);
  await main.getByRole("navigation", { name: "Views of the chart" }).getByRole("link", { name: "Values" }).click();
  await expect(main).toContainText(world.valuePath);
  await holds(world.valuePath);

  await rail("Triggers");
  await follow(`/triggers/${world.triggers.hook}`);
  await expect(heading).toHaveText(TEXT.hook);
  await holds(TEXT.regex, TEXT.expression);
  await follow(`/deliveries/${world.deliveries.hook}`);
  await expect(heading).toContainText(TEXT.trunk);
  await holds(TEXT.answer);

  await rail("Repositories");
  await follow(`/repositories/${world.repository}`);
  await expect(heading).toHaveText(TEXT.repository);
  await expect(page).toHaveTitle(new RegExp("<svg/onload"));
  await holds(TEXT.about, TEXT.language, TEXT.trunk);
  expect(await page.evaluate(() => (window as unknown as { kept?: boolean }).kept), "none of them was loaded anew").toBe(true);

  await open("/repositories/add");
  await page.getByLabel("Addresses, one on each line").fill(`${SVG}\njavascript://x/${SVG}`);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("status", { name: "What came of it" })).toContainText("2 refused");
  await holds(SVG, `javascript://x/${SVG}`);

  await open(`/repositories/${world.repository}/watch`);
  await page.getByLabel("Names of branches").fill(`(${SVG}`);
  await expect(page.locator("#watch-preview")).toContainText("unclosed group");
  await holds(`(${SVG}`);
});

/** The cells of a text whose fields all stand in quotes. */
const cells = (csv: string) => [...csv.matchAll(/"((?:[^"]|"")*)"/g)].map(([, cell]) => cell.replaceAll('""', '"'));

/** What is wrong with an answer that no page is. */
async function wrongWith(answer: APIResponse): Promise<string[]> {
  const headers = answer.headers();
  const [kind, policy] = [headers["content-type"] ?? "", headers["content-security-policy"] ?? ""];
  const wrong: string[] = [];
  if (answer.status() === 500) wrong.push("it broke");
  if (headers["x-content-type-options"] !== "nosniff") wrong.push("it may be sniffed");
  if (!policy.startsWith("default-src 'none'")) wrong.push(`its policy is ${policy}`);
  if (kind.startsWith("text/html")) {
    if (!nonceOf(policy)) wrong.push("it is HTML without a nonce");
    if (/<svg\/onload|<img/.test(await answer.text())) wrong.push("it holds markup");
  } else if (!/^(application\/((problem\+)?json|openmetrics-text)|text\/(csv|plain))\b/.test(kind) && (await answer.text()) !== "") {
    wrong.push(`it is ${kind}`);
  }
  return wrong;
}

test("what is downloaded is data: no answer is taken for a page, and no cell for a formula", async ({ request }) => {
  const csv = await request.get(`${world.site}/api/v1/admin/audit?format=csv&limit=1000`);
  expect(csv.headers()).toMatchObject({
    "content-type": "text/csv; charset=utf-8", "content-disposition": 'attachment; filename="audit.csv"', "x-content-type-options": "nosniff",
  });
  const [, ...lines] = (await csv.text()).split("\r\n");
  const found = cells(lines.join("\r\n"));
  expect(found).toContain(`'${TEXT.formula}`);
  expect(found).toEqual(expect.arrayContaining([TEXT.token, TEXT.hook, TEXT.email]));
  expect(found.filter((cell) => /^[=+\-@\t\r\n]/.test(cell))).toEqual([]);

  const { chart, repository, resources, branches, triggers, deliveries, job, event, commits } = world;
  const ids: Record<string, string> = {
    repository_id: repository, resource_id: resources[TEXT.map], chart_id: chart.id, branch_id: branches[TEXT.trunk], event_id: event,
    trigger_id: triggers.hook, delivery_id: deliveries.hook, job_id: job, task_id: job, sha: commits[0],
  };
  interface Operation { parameters?: { in: string; name: string }[] }
  const { paths } = JSON.parse(readFileSync(new URL("../../server/openapi.json", import.meta.url), "utf8")) as {
    paths: Record<string, { get?: Operation }>;
  };
  const asked: string[] = [];
  for (const [path, { get }] of Object.entries(paths)) {
    // News never end.
    if (!get || path === "/api/v1/stream") continue;
    const queried = (get.parameters ?? []).filter((parameter) => parameter.in === "query").map(({ name }) => `${name}=${encodeURIComponent(SVG)}`);
    const known = path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? encodeURIComponent(IMG));
    asked.push(known, `${known}?${queried.join("&")}`, path.replace(/\{\w+\}/g, encodeURIComponent(IMG)));
  }
  expect(asked.length).toBeGreaterThan(250);
  const odd = ["/api/v1", "/assets", "/hr", "/upgrades", "/docs", "/auth", "/webhooks/generic", "/repositories", "/nothing"];
  asked.push(...odd.map((path) => `${path}/${encodeURIComponent(IMG)}`));
  const wrong: string[] = [];
  for (const path of new Set(asked)) {
    const answer = await request.get(`${world.site}${path}`, { maxRedirects: 0, headers: { "x-request-id": "<svg/onload=window.__xss=1>" } });
    if (Object.values(answer.headers()).some((value) => value.includes("<svg"))) wrong.push(`${path}: a header says what was sent`);
    wrong.push(...(await wrongWith(answer)).map((line) => `${path}: ${line}`));
  }
  expect(wrong).toEqual([]);
});
