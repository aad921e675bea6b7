import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type APIRequestContext, type Page } from "@playwright/test";

export { expect };

/**
 * A test whose page must not log an error, throw, fail to hydrate or ask for a file that is not there, but for what
 * the test says it means to bring about. Some of what a browser says comes late, so this is judged at the end.
 */
export const test = base.extend<{ forgive: (expected: RegExp) => void }>({
  forgive: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      const forgiven: RegExp[] = [];
      page.on("console", (message) => {
        const text = message.text();
        if (message.type() === "error" || (message.type() === "warning" && /hydrat|mismatch|panick/i.test(text))) {
          complaints.push(`${message.type()}: ${text} (${message.location().url})`);
        }
      });
      page.on("pageerror", (error) => complaints.push(`thrown: ${error.stack ?? error.message}`));
      page.on("response", (response) => {
        if (response.status() >= 500 || (response.status() === 404 && new URL(response.url()).pathname.startsWith("/assets/"))) {
          complaints.push(`${response.status()}: ${response.url()}`);
        }
      });
      await use((expected) => forgiven.push(expected));
      const left = complaints.filter((text) => !forgiven.some((expected) => expected.test(text)));
      expect(left, "what the browser complained about").toEqual([]);
    },
    { auto: true },
  ],
});

/** Waits until the page that the server sent listens. */
export async function awake(page: Page) {
  await expect(page.locator("html")).toHaveAttribute("data-awake", "", { timeout: 60_000 });
}

/** Waits until the page that is at `path` says what it is about: one heading in its main part, and a title. */
export async function announced(page: Page, { path, heading }: { path: string; heading: RegExp }) {
  const headings = page.getByRole("main").getByRole("heading", { level: 1 });
  await expect(headings, path).toHaveCount(1);
  await expect(headings, path).toHaveText(heading);
  await expect(page, path).toHaveTitle(/Kubestats/);
}

const EVERYTHING = { type: "tag" as const, values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
/** The rules among them that look at colours. */
export const COLOURS = { type: "rule" as const, values: ["color-contrast", "link-in-text-block"] };

/** What axe finds wrong with the page as it stands, a line each. */
export async function violations(page: Page, runOnly: typeof EVERYTHING | typeof COLOURS = EVERYTHING): Promise<string[]> {
  // What passes is neither described nor handed over, and pages have no frames of other origins.
  const axe = new AxeBuilder({ page }).options({ runOnly, resultTypes: ["violations"] });
  const { violations } = await axe.setLegacyMode(true).analyze();
  return violations.map(({ id, help, nodes }) => {
    const places = nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary?.split("\n")[1]?.trim() ?? ""}`);
    return `${id} (${help}) at ${places.join("; ")}`;
  });
}

export interface Repository {
  id: string;
  name: string;
  full_name: string;
  head_commit: string;
  counts: { active_resources: number; events: number; problems: number; commits: number };
}

export interface Resource {
  id: string;
  name: string;
  kind: string;
  events: number;
}

export async function repository(request: APIRequestContext, name: string): Promise<Repository> {
  const { data } = (await (await request.get("/api/v1/repositories/")).json()) as { data: Repository[] };
  const found = data.find((r) => r.name === name);
  if (!found) throw new Error(`no repository ${name} among ${data.map((r) => r.name).join(", ")}`);
  return found;
}

export async function resource(request: APIRequestContext, of: Repository, kind: string, name: string): Promise<Resource> {
  const { data } = (await (await request.get(`/api/v1/repositories/${of.id}/resources?limit=500`)).json()) as { data: Resource[] };
  const found = data.find((r) => r.kind === kind && r.name === name);
  if (!found) throw new Error(`no ${kind} ${name} among ${data.length} resources of ${of.name}`);
  return found;
}

export interface Chart {
  id: number;
  key: string;
  name: string;
}

/** Where a chart's page is; a folder of a Git repository is written otherwise in keys. */
export const chartPath = ({ key }: Chart) => `/charts/${key.replace("//", "/-/")}`;

export async function chart(request: APIRequestContext, name: string): Promise<Chart> {
  const { data } = (await (await request.get("/api/v1/charts?limit=500")).json()) as { data: Chart[] };
  const found = data.find((c) => c.name === name);
  if (!found) throw new Error(`no chart ${name} among ${data.map((c) => c.name).join(", ")}`);
  return found;
}

/** The id of a run that has ended: asks for a sync of a repository and waits for it. */
export async function run(request: APIRequestContext, of: Repository): Promise<string> {
  const answer = await request.post(`/api/v1/repositories/${of.id}/sync`);
  const id = /jobs\/([0-9a-f-]+)$/.exec(answer.headers().location ?? "")?.[1];
  if (!id) throw new Error(`a sync of ${of.name} was answered with ${answer.status()} and no job`);
  await expect.poll(async () => (await (await request.get(`/api/v1/jobs/${id}`)).json()).state, { timeout: 60_000 }).toBe("succeeded");
  return id;
}

/** A branch of a repository, which is watched from now on. */
export async function branch(request: APIRequestContext, of: Repository): Promise<{ id: string; name: string }> {
  const watched = await request.put(`/api/v1/repositories/${of.id}/watch`, { data: {} });
  if (!watched.ok()) throw new Error(`${of.name} can't be watched: ${watched.status()} ${await watched.text()}`);
  const branches = async () => (await (await request.get(`/api/v1/repositories/${of.id}/branches`)).json()) as { data: { id: string; name: string }[] };
  await expect.poll(async () => (await branches()).data.length, { timeout: 60_000 }).toBeGreaterThan(0);
  return (await branches()).data[0];
}

const exactly = (text: string) => new RegExp(`^${text}$`);

/** Every kind of page, with real things on it. */
export async function everyPage(request: APIRequestContext): Promise<{ name: string; path: string; heading: RegExp }[]> {
  const cluster = await repository(request, "home-cluster");
  const broken = await repository(request, "broken-files");
  const release = await resource(request, cluster, "HelmRelease", "home-assistant");
  const of = `/repositories/${cluster.id}`;
  // Those that most repositories use, so that there is something to compare.
  const rows = async (path: string) => (await (await request.get(`/api/v1/${path}`)).json()).data;
  const [top] = (await rows("charts?limit=1")) as Chart[];
  const [value] = (await rows(`charts/${top.id}/values?limit=1`)) as { path: string }[];
  const users = ((await rows(`charts/${top.id}/releases?limit=2`)) as { repository_id: string }[]).map((user) => user.repository_id);
  const watched = await branch(request, cluster);
  const [image] = (await rows("images?limit=1")) as { name: string }[];
  return [
    { name: "overview", path: "/", heading: /./ },
    { name: "repositories", path: "/repositories", heading: /repositories/i },
    { name: "repositories-nothing-found", path: "/repositories?text=no-such-repository", heading: /repositories/i },
    { name: "repositories-add", path: "/repositories/add", heading: /add repositories/i },
    { name: "repositories-coverage", path: "/repositories/coverage?why=nobody/nothing", heading: /coverage/i },
    { name: "repositories-confirm", path: `/repositories/confirm?act=delete&id[]=${cluster.id}`, heading: /delete samples.home-cluster/i },
    { name: "repository", path: of, heading: /home-cluster/ },
    ...["events", "resources", "charts", "problems", "branches"].map((tab) => ({
      name: `repository-${tab}`, path: `${of}?tab=${tab}`, heading: /home-cluster/,
    })),
    { name: "repository-images", path: `${of}?tab=charts&view=images`, heading: /home-cluster/ },
    { name: "repository-with-problems", path: `/repositories/${broken.id}?tab=problems`, heading: /broken-files/ },
    { name: "resources", path: "/resources", heading: /resources/i },
    { name: "resources-filtered", path: "/resources?kind=HelmRelease", heading: /resources/i },
    { name: "resource", path: `/resources/${release.id}`, heading: /home-assistant/ },
    { name: "charts", path: "/charts", heading: /^Charts$/ },
    { name: "chart", path: chartPath(top), heading: exactly(top.name) },
    ...["values", "users", "upgrades", "install", "related"].map((tab) => ({
      name: `chart-${tab}`, path: `${chartPath(top)}?tab=${tab}`, heading: exactly(top.name),
    })),
    { name: "chart-value", path: `${chartPath(top)}?tab=values&path=${encodeURIComponent(value.path)}`, heading: exactly(top.name) },
    { name: "chart-past", path: `${chartPath(top)}?at=2001-01-01`, heading: exactly(top.name) },
    { name: "compare", path: `/compare${chartPath(top)}?repositories=${users.join(",")}`, heading: exactly(`${top.name}: values side by side`) },
    { name: "images", path: "/images", heading: /^Images$/ },
    { name: "image", path: `/images/${image.name}`, heading: exactly(image.name.split("/").at(-1) ?? "") },
    { name: "watch", path: "/watch", heading: /^Watch$/ },
    { name: "watch-branches", path: "/watch?view=branches", heading: /^Watch$/ },
    { name: "watch-settings", path: `${of}/watch?branch_regex=%5Emain%24`, heading: /watch branches of .*home-cluster/i },
    { name: "branch", path: `/branches/${watched.id}`, heading: exactly(watched.name) },
    { name: "ecosystem", path: "/ecosystem?range=all", heading: /ecosystem/i },
    { name: "triggers", path: "/triggers", heading: /^Triggers$/ },
    { name: "triggers-new", path: "/triggers/new", heading: /add trigger/i },
    ...["tekton", "webhook", "flux", "github_dispatch", "gitlab_pipeline"].map((kind) => ({
      name: `triggers-new-${kind}`, path: `/triggers/new?kind=${kind}`, heading: /add trigger/i,
    })),
    { name: "tasks", path: "/tasks", heading: /tasks/i },
    { name: "task", path: `/tasks/${await run(request, cluster)}`, heading: /sync: .*home-cluster/i },
    { name: "sign-in", path: "/sign-in?wrong", heading: /sign in/i },
    { name: "sign-in-code", path: "/sign-in/code", heading: /code/i },
    { name: "sign-in-forgot", path: "/sign-in/forgot", heading: /forgot/i },
    { name: "dead-link", path: "/welcome/no-such-link", heading: /./ },
    { name: "account", path: "/account", heading: /your account/i },
    ...["users", "roles", "permissions", "forges", "audit"].map((part) => ({ name: `admin-${part}`, path: `/admin/${part}`, heading: /./ })),
    { name: "commit", path: `/commits/${cluster.id}/${cluster.head_commit}`, heading: /./ },
  ];
}
