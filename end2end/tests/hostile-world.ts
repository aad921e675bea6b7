// The hostile texts where they come from: searched, scanned, watched, told to receivers and typed by people; and every page that
// shows them.

import type { Server } from "node:http";
import { join } from "node:path";
import { expect, type APIRequestContext } from "@playwright/test";
import { IMG, SCRIPT, SVG, TEXT, configured, forge, quoted, receiver, repositories } from "./hostile.ts";
import { ADMIN, Place, freePort, signIn } from "./program.ts";

type Row = Record<string, string>;

/** What is in it, by its id. */
interface Things {
  repository: string;
  headless: string;
  commits: string[];
  /** Resources by their name. */
  resources: Record<string, string>;
  chart: Row;
  valuePath: string;
  branches: Record<string, string>;
  triggers: Record<"hook" | "listener" | "receiver" | "dispatch", string>;
  deliveries: Record<"hook" | "listener" | "receiver", string>;
  job: string;
  event: string;
  account: string;
  invitation: string;
}

export interface World extends Things {
  site: string;
  signedIn: Awaited<ReturnType<typeof signIn>>;
  end: () => Promise<void>;
}

const PATIENCE = { timeout: 60_000 };

/** Starts everything and waits until it has happened. */
export async function begin(newContext: (options: object) => Promise<APIRequestContext>): Promise<World> {
  const place = new Place("hostile");
  const servers: Server[] = [];
  const end = async () => {
    await place.end();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  };
  try {
    const commits = repositories(place.folder);
    const { git } = await place.forge(join(place.folder, "forge"));
    const [told, tells] = await Promise.all([forge(git), receiver()]);
    servers.push(told.server, tells.server);
    const port = await freePort();
    const site = `http://127.0.0.1:${port}`;
    await configured(place, port, told.url);
    const signedIn = await signIn(site);
    await signIn(site, ADMIN, { "user-agent": TEXT.agent });
    const request = await newContext({ baseURL: site, storageState: signedIn });
    const things = { commits, ...(await fill(request, tells.url)) };
    await request.dispose();
    return { ...things, site, signedIn, end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function fill(request: APIRequestContext, receiver: string): Promise<Omit<Things, "commits">> {
  const read = async (path: string) => (await request.get(`/api/v1/${path}`)).json();
  const rows = async (path: string) => ((await read(path)) as { data: Row[] }).data;
  const send = async (verb: "post" | "put", path: string, data: object | undefined, status: number) => {
    const answer = await request[verb](`/api/v1/${path}`, { data });
    expect(answer.status(), `${path}: ${await answer.text()}`).toBe(status);
    return answer.json();
  };

  // People.
  await send("put", "users/me", { full_name: TEXT.person }, 200);
  const invited = (await send("post", "admin/users", { email: TEXT.email, full_name: TEXT.person, role: "viewer" }, 201)) as Row;
  for (const name of [TEXT.token, TEXT.formula]) {
    await send("post", "users/me/tokens", { name, scopes: ["read"], repositories: [`*${SVG}`] }, 201);
  }

  // What searches find, and what was scanned of it.
  await send("post", "repositories/discover", undefined, 202);
  const known = async (name: string) => (await rows("repositories/?limit=500")).find((row) => row.full_name === name);
  await expect.poll(async () => (await known(TEXT.repository))?.scan_status, PATIENCE).toBe("success");
  await expect.poll(async () => (await known(TEXT.headless))?.sync_status, PATIENCE).toBe("error");
  const [{ id: repository }, { id: headless }] = [await known(TEXT.repository), await known(TEXT.headless)] as [Row, Row];

  // Triggers, then branches: what the first look finds is told.
  const trigger = async (name: string, target: object, condition: object, isEnabled = true) => {
    const wanted = { name, target, condition, is_enabled: isEnabled, pace: { timeout_ms: 5_000, waits_ms: [] } };
    return ((await send("post", "triggers", wanted, 201)) as { trigger: Row }).trigger.id;
  };
  const of = { branches: "^trunk" };
  const triggers = {
    hook: await trigger(TEXT.hook, { webhook: { url: `${receiver}/hook`, headers: { "X-Xss": SCRIPT } } }, {
      repositories: ["*", `*${SVG}`], branches: TEXT.regex, expression: TEXT.expression,
    }),
    listener: await trigger(TEXT.listener, { tekton: { url: `${receiver}/listener` } }, of),
    receiver: await trigger(TEXT.receiver, { flux: { url: `${receiver}/fails` } }, { ...of, tekton: true }),
    dispatch: await trigger(TEXT.dispatch, { github_dispatch: { api_url: `${receiver}/api`, event_type: TEXT.dispatch } }, {}, false),
  };
  await send("put", `repositories/${repository}/watch`, { branch_regex: TEXT.regex, tells_first_look: true }, 200);
  const delivery = async (of: string, state: string) => {
    const found = async () => (await rows(`deliveries?trigger_id=${of}&state=${state}`)).find((row) => row.branch_name === TEXT.trunk);
    await expect.poll(async () => Boolean(await found()), PATIENCE).toBe(true);
    return ((await found()) as Row).id;
  };
  // One for each branch, so that all of them are decided.
  await expect.poll(async () => (await rows(`deliveries?trigger_id=${triggers.hook}&state=delivered`)).length, PATIENCE).toBe(3);
  const deliveries = {
    hook: await delivery(triggers.hook, "delivered"),
    listener: await delivery(triggers.listener, "delivered"),
    receiver: await delivery(triggers.receiver, "failed"),
  };
  const branches = Object.fromEntries((await rows(`repositories/${repository}/branches?limit=100`)).map((row) => [row.name, row.id]));
  const event = (await rows(`branch-events?branch_id=${branches[TEXT.trunk]}&type=branch_created`))[0].id;

  // What became of the run that the EventListener began.
  const { path } = (await send("post", `triggers/${triggers.listener}/sink`, undefined, 201)) as Row;
  const metadata = { namespace: "xss", name: TEXT.run, labels: { "triggers.tekton.dev/triggers-eventid": TEXT.event } };
  const ran = await request.post(path, {
    headers: { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/xss", "ce-type": "dev.tekton.event.pipelinerun.failed.v1" },
    data: { pipelineRun: { metadata } },
  });
  expect(ran.status(), await ran.text()).toBe(202);
  await expect.poll(async () => (await read(`deliveries/${deliveries.listener}`)).delivery.run_name, PATIENCE).toBe(`xss/${TEXT.run}`);

  const chart = (await rows("charts?limit=500")).find((row) => row.name === TEXT.chart);
  if (!chart) throw new Error(`no chart ${TEXT.chart}: ${JSON.stringify(await rows("charts?limit=500"))}`);
  const valuePath = (await rows(`charts/${chart.id}/values?limit=100`)).find((row) => row.path.includes("<svg"))?.path;
  if (!valuePath) throw new Error("no value of the chart has a hostile path");
  const resources = (await rows("kubernetes/resources?limit=500")).map((row) => [row.name, row.id]);
  return {
    repository, headless, triggers, deliveries, branches, event, chart, valuePath,
    resources: Object.fromEntries(resources),
    job: (await rows(`jobs?repository_id=${repository}&limit=1`))[0].id,
    account: invited.id,
    invitation: invited.link,
  };
}

/** A page, and what it has to show. */
export interface Shown {
  path: string;
  shows?: readonly string[];
  title?: string;
  /** 200 where nothing is said. */
  status?: number;
  /** It asks the server for nothing, so that it does not say when it listens. */
  isStill?: boolean;
}

const q = encodeURIComponent;

/** An address with the same hostile text under each of these keys. */
const asked = (path: string, ...keys: string[]) => `${path}?${[...keys, SCRIPT].map((key) => `${q(key)}=${q(TEXT.asked)}`).join("&")}`;

/** Every page of the program, with what is hostile on it, in its address, or both; the name of who looks stands on all of them. */
export function pages(world: World): Shown[] {
  const { repository, resources, chart, branches, triggers, deliveries, commits } = world;
  const of = `/repositories/${repository}`;
  const charts = `/charts/${chart.key.replace("//", "/-/").split("/").map(q).join("/")}`;
  const map = `/resources/${resources[TEXT.map]}`;
  const list = ["text", "sort", "direction", "page", "per"];
  const form = ["name", "branches", "expression", "repositories", "paths", "url", "headers", "timeout", "waits", "events][", "tekton"];
  const missing = ["/resources/", "/charts/", "/images/", "/compare/charts/", `/commits/${repository}/`];
  const resource = (name: string, ...shows: string[]) => ({ path: `/resources/${resources[name]}`, shows: [name, ...shows], title: name });
  const all: Shown[] = [
    { path: "/", shows: [TEXT.repository, TEXT.subjects[2], TEXT.author] },
    { path: "/repositories", shows: [TEXT.repository, TEXT.headless, TEXT.about] },
    { path: asked("/repositories", ...list, "language", "status", "tool"), shows: [TEXT.asked] },
    { path: asked("/repositories/add", "urls"), shows: [TEXT.asked] },
    { path: `/repositories/confirm?act=delete&id[]=${repository}&from=${q(IMG)}`, shows: [TEXT.repository] },
    { path: `/repositories/coverage?why=${q(TEXT.left)}`, shows: [TEXT.left, TEXT.query] },
    { path: asked("/repositories/coverage", "why", "text", "reason"), shows: [TEXT.asked] },
    { path: of, shows: [TEXT.repository, TEXT.about, TEXT.language, TEXT.trunk, TEXT.map, TEXT.subjects[1], TEXT.author], title: TEXT.repository },
    { path: asked(of, "text", "type", "kind", "namespace", "versions", "span"), shows: [TEXT.asked] },
    { path: `${of}?tab=resources`, shows: [TEXT.map, TEXT.release, TEXT.space] },
    { path: `${of}?tab=resources&view=table`, shows: [TEXT.map, TEXT.kind, TEXT.thing, TEXT.space] },
    { path: `${of}?tab=charts`, shows: [TEXT.release, TEXT.chart, TEXT.versions[1], TEXT.sourceUrl] },
    { path: `${of}?tab=charts&view=images`, shows: ["ghcr.io/xss/app"] },
    { path: `${of}?tab=problems`, shows: [TEXT.twice, SVG] },
    { path: `${of}?tab=branches`, shows: [TEXT.trunk, TEXT.branch, TEXT.title, TEXT.regex] },
    { path: `${of}/watch`, shows: [TEXT.repository, TEXT.branch, TEXT.regex], title: TEXT.repository },
    { path: `${of}/watch?branch_regex=${q(`(${TEXT.asked}`)}`, shows: [TEXT.asked] },
    { path: `/repositories/${world.headless}`, shows: [TEXT.headless, `one${SVG}`], title: TEXT.headless },
    { path: "/resources", shows: [TEXT.map, TEXT.kind, TEXT.space, TEXT.repository] },
    { path: `/resources?view=grouped&kind=${q(TEXT.kind)}`, shows: [TEXT.kind, TEXT.thing] },
    { path: asked("/resources", ...list, "repository", "kind", "name", "chart", "api_version", "namespace", "status", "view"), shows: [TEXT.asked] },
    { ...resource(TEXT.map, TEXT.space, quoted(TEXT.label), quoted(TEXT.value)), title: undefined },
    { path: `${map}?at=1`, shows: [TEXT.author, quoted(TEXT.label)] },
    { path: `${map}?from=1&to=2`, shows: [TEXT.map] },
    { path: `${map}?from=1&to=2&view=split`, shows: [TEXT.map] },
    { path: `${map}?from=1&to=2&view=fields`, shows: [TEXT.map] },
    resource(TEXT.release, quoted(TEXT.value), quoted(TEXT.chart)),
    resource(TEXT.thing, TEXT.kind),
    resource(TEXT.source, quoted(TEXT.sourceUrl)),
    resource(TEXT.application, quoted(TEXT.sourceUrl)),
    resource(TEXT.gone, TEXT.author, TEXT.subjects[2]),
    resource("apps", quoted(TEXT.variable)),
    resource("oci", TEXT.space),
    resource("long", TEXT.space),
    { path: `/resources/${resources.web}`, shows: [TEXT.space, "ghcr.io/xss/app"] },
    { path: "/charts", shows: [TEXT.chart] },
    { path: asked("/charts", ...list, "kind", "source", "used_by", "trend"), shows: [TEXT.asked] },
    { path: asked("/charts", "at"), status: 400 },
    { path: charts, shows: [TEXT.chart, chart.key, TEXT.repository], title: TEXT.chart },
    { path: `${charts}?tab=values`, shows: [world.valuePath] },
    { path: `${charts}?tab=values&path=${q(world.valuePath)}`, shows: [world.valuePath, TEXT.value.slice(0, 50)] },
    { path: asked(charts, "text", "major", "release", "also", "mine", "unlike", "with").replace("?", "?tab=values&"), shows: [TEXT.asked] },
    { path: asked(charts, "release"), shows: [TEXT.asked] },
    { path: `${charts}?tab=users`, shows: [TEXT.release, TEXT.versions[1], TEXT.repository] },
    { path: `${charts}?tab=upgrades&from=${q(TEXT.versions[0])}&to=${q(TEXT.versions[1])}`, shows: [TEXT.chart] },
    { path: `${charts}?tab=install`, shows: [TEXT.chart, TEXT.sourceUrl] },
    { path: `${charts}?tab=related`, shows: [TEXT.chart] },
    { path: `/compare${charts}?repositories=${repository},${q(IMG)}`, shows: [TEXT.chart, TEXT.repository], title: TEXT.chart },
    { path: "/images", shows: ["ghcr.io/xss/app"] },
    { path: asked("/images", ...list, "used_by"), shows: [TEXT.asked] },
    { path: "/images/ghcr.io/xss/app", shows: [TEXT.repository] },
    ...commits.map((sha, at) => ({ path: `/commits/${repository}/${sha}`, shows: [TEXT.subjects[at], TEXT.author, TEXT.repository] })),
    { path: "/watch", shows: [TEXT.trunk, TEXT.branch, TEXT.title, TEXT.repository] },
    { path: "/watch?view=branches", shows: [TEXT.trunk, TEXT.branch, TEXT.title] },
    { path: asked("/watch", "text", "repository", "type", "state"), shows: [TEXT.asked] },
    { path: `/branches/${branches[TEXT.title]}`, shows: [TEXT.title, TEXT.hook], title: TEXT.title },
    { path: `/branches/${branches[TEXT.trunk]}?event=${world.event}`, shows: [TEXT.trunk, TEXT.pipeline, TEXT.hook, TEXT.event], title: TEXT.trunk },
    { path: "/ecosystem?range=all" },
    { path: asked("/ecosystem", "range", "page") },
    { path: "/triggers", shows: [TEXT.hook, TEXT.listener, TEXT.receiver, TEXT.dispatch, TEXT.regex, TEXT.expression] },
    { path: "/triggers/new" },
    { path: asked("/triggers/new", ...form.map((key) => `form[${key}]`)).replace("?", "?kind=webhook&dry=1&form[kind]=webhook&"), shows: [TEXT.asked] },
    { path: `/triggers/${triggers.hook}`, shows: [TEXT.hook, TEXT.regex, TEXT.expression, SCRIPT], title: TEXT.hook },
    { path: `/triggers/${triggers.dispatch}`, shows: [TEXT.dispatch], title: TEXT.dispatch },
    { path: `/triggers/${triggers.hook}/edit`, shows: [TEXT.hook, TEXT.regex, TEXT.expression, SCRIPT], title: TEXT.hook },
    { path: `/deliveries/${deliveries.hook}`, shows: [TEXT.trunk, TEXT.hook, TEXT.answer, SCRIPT], title: TEXT.trunk },
    { path: `/deliveries/${deliveries.listener}`, shows: [TEXT.listener, TEXT.event, `xss/${TEXT.run}`] },
    { path: `/deliveries/${deliveries.receiver}`, shows: [TEXT.receiver, TEXT.answer] },
    { path: asked("/tasks", "text", "kind", "state", "by", "page") },
    { path: `/tasks/${world.job}`, shows: [TEXT.repository], title: TEXT.repository },
    { path: `/sign-in?wrong&from=${q(`javascript:${SCRIPT}`)}` },
    { path: "/sign-in/code" },
    { path: "/sign-in/forgot" },
    { path: world.invitation, shows: [TEXT.email] },
    { path: `/set-up/${q(IMG)}` },
    { path: "/account", shows: [TEXT.token, TEXT.formula, `*${SVG}`, TEXT.agent.split("/")[0]] },
    { path: "/admin/users", shows: [TEXT.email] },
    { path: asked("/admin/users", "text", "page"), shows: [TEXT.asked] },
    { path: `/admin/users/${world.account}`, shows: [TEXT.email], title: TEXT.email },
    { path: "/admin/roles" },
    { path: "/admin/permissions" },
    { path: "/admin/forges" },
    { path: "/admin/audit", shows: [TEXT.token, TEXT.formula, TEXT.hook, TEXT.email] },
    { path: asked("/admin/audit", "text", "action", "account_id"), shows: [TEXT.asked] },
    ...missing.map((path) => ({ path: path + q(IMG), status: 404 })),
    { path: `/nothing/${q(IMG)}`, status: 404, isStill: true },
  ];
  return all.map((page) => ({ ...page, shows: [TEXT.person, ...(page.shows ?? [])] }));
}
