// Nothing moves while work begins, goes on and ends: only what the reader does moves a page.

import { Place, freePort, signIn } from "./program.ts";
import { awake, expect, test } from "./support.ts";
import type { APIRequestContext, Page } from "@playwright/test";

let place: Place;
let site: string;
let signedIn: Awaited<ReturnType<typeof signIn>>;

test.use({ storageState: async ({}, use) => use(signedIn) });
let forge: string;

test.describe.configure({ mode: "default" });

test.beforeAll(async ({ playwright }) => {
  place = new Place("steady");
  const port = await freePort();
  site = `http://127.0.0.1:${port}`;
  const samples = new URL("../../server/samples", import.meta.url).pathname;
  forge = (await place.forge(samples)).git;
  const names = ["home-cluster", "argo-apps", "broken-files"].map((name) => `  - url: ${forge}/samples/${name}.git`);
  await place.serve(`
app: { listen: "127.0.0.1:${port}", samples: never }
security: { allowed_networks: [127.0.0.0/8], require_https: false }
repositories:
${names.join("\n")}
`);
  signedIn = await signIn(site);
  const request = await playwright.request.newContext({ baseURL: site });
  await expect
    .poll(async () => (await repositories(request)).filter(({ scan_status }) => scan_status === "success").length, { timeout: 60_000 })
    .toBe(3);
  // Days are computed some seconds after the last scan, and the overview tells of them.
  await expect.poll(async () => (await request.get("/api/v1/ecosystem/latest")).status(), { timeout: 60_000 }).toBe(200);
  await request.dispose();
});

test.afterAll(() => place.end());

async function repositories(request: APIRequestContext) {
  const answer = await request.get(`${site}/api/v1/repositories/?limit=100`);
  return ((await answer.json()) as { data: { id: string; name: string; scan_status: string; sync_status: string }[] }).data;
}

/** Syncs one repository of a forge that answers late, so that the work is seen. */
async function work(request: APIRequestContext, id: string) {
  const slow = { fault: { kind: "slow", ms: 5_000 }, path: "/samples/", times: 1 };
  expect((await request.post(`${forge}/_control/faults`, { data: slow })).ok()).toBe(true);
  const answer = await request.post(`${site}/api/v1/repositories/${id}/sync`);
  const job = /jobs\/([0-9a-f-]+)$/.exec(answer.headers().location ?? "")?.[1];
  await expect.poll(async () => (await (await request.get(`${site}/api/v1/jobs/${job}`)).json()).state, { timeout: 60_000 }).toBe("succeeded");
}

interface Move { what: string; from: string; to: string }

/** Notes every move of what stands in the page from now on. */
async function watch(page: Page) {
  await page.evaluate(() => {
    const seen = window as unknown as { moves: Move[]; shifts: string[] };
    seen.moves = [];
    seen.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as { value: number; hadRecentInput: boolean; sources: { node: Node | null }[] }[]) {
        if (entry.hadRecentInput) continue;
        const who = entry.sources.map(({ node }) => (node instanceof Element ? node : node?.parentElement)?.className);
        seen.shifts.push(`${entry.value.toFixed(5)} ${who.join(" ")}`);
      }
    }).observe({ type: "layout-shift" });
    const marks = "main h1, main h2, main .metrics, main .columns, main .page-actions, main .views, main table, .rail-foot, .system-line > :first-child";
    // What is folded away has a place only now and then.
    const seenNow = () => [...document.querySelectorAll(marks)].filter((element) => element.checkVisibility());
    const places = () => seenNow().map((element) => {
      const { x, y } = element.getBoundingClientRect();
      return [`${element.tagName}.${element.className} ${element.textContent?.slice(0, 20)}`, `${x.toFixed(1)},${y.toFixed(1)}`];
    });
    const first = new Map(places().map(([what, at]) => [what, at] as const));
    const look = () => {
      for (const [what, at] of places()) {
        const from = first.get(what);
        if (from !== undefined && from !== at) {
          seen.moves.push({ what, from, to: at });
          first.set(what, at);
        }
      }
      requestAnimationFrame(look);
    };
    look();
  });
}

async function still(page: Page) {
  const seen = await page.evaluate(() => {
    const { moves, shifts } = window as unknown as { moves: Move[]; shifts: string[] };
    return { moves, shifts };
  });
  expect(seen).toEqual({ moves: [], shifts: [] });
}

for (const [width, height] of [[1440, 900], [390, 844]]) {
  test.describe(`${width} px wide`, () => {
    test.use({ viewport: { width, height } });
    for (const where of ["/", "repository", "/repositories", "/tasks"]) {
      test(`${where} stands still while work begins, goes on and ends`, async ({ page, request }) => {
        const cluster = (await repositories(request)).find(({ name }) => name === "home-cluster");
        if (!cluster) throw new Error("home-cluster is not there");
        await page.goto(site + (where === "repository" ? `/repositories/${cluster.id}` : where));
        // Who does not listen yet hears of no work.
        await awake(page);
        await page.waitForLoadState("networkidle", { timeout: 4_000 }).catch(() => {});
        // "just now" of the work before is over.
        await watch(page);
        // The list says how a sync ended, the other pages that it runs.
        const sign = where === "/repositories" ? page.locator(".system-line", { hasText: "Working" }) : page.locator('main .status[data-tone="busy"]').first();
        const running = sign.waitFor({ state: "attached", timeout: 60_000 });
        await work(request, cluster.id);
        await running;
        await expect(page.locator('main .status[data-tone="busy"]')).toHaveCount(0, { timeout: 60_000 });
        await page.waitForTimeout(1_500);
        await still(page);
      });
    }
  });
}
