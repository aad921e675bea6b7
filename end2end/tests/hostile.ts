// A world in which every text that a forge, a manifest, a receiver of triggers or a person chooses wants to be markup.

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as ask, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { Place } from "./program.ts";

/** What would run. */
const RUN = "window.__xss=1";
/** Ends a tag and every element that holds nothing but text, then brings one that runs. */
const BREAK = `'"--></title></style></textarea></noscript></script><img src=x onerror=${RUN}>`;
/** Stands where a header or an expression may: of ASCII, in one line. */
export const SCRIPT = `"><script>${RUN}</script>`;
/** Has no blank, as names of branches have none. */
export const SVG = `"><svg/onload=${RUN}>`;
/** Has no slash, as parts of paths have none. */
export const IMG = `"><img src=x onerror=${RUN}>`;
/** Comments that end oddly or not at all, a template, a separator of lines, and marks that turn the direction around. */
const ODD = "<!--xss--!><!-- {{7*7}}\u2028\u202e\u2066";
const hostile = (word: string) => `${word}${BREAK}${SCRIPT}${ODD}${word}`;

/** The texts, each with a word of its own. */
export const TEXT = {
  // Of the forge.
  repository: `ada/world${SVG}`,
  headless: `ada/headless${SVG}`,
  left: `ada/left${BREAK}`,
  about: hostile("about"),
  language: `language${SVG}`,
  query: `query <svg/onload=${RUN}>`,
  // Of Git.
  trunk: `trunk${SVG}`,
  branch: `side${SVG}`,
  title: `title</title></script><img/src=x/onerror=${RUN}>`,
  author: `Ada" onfocus=${RUN} autofocus x="\u202e Lovelace`,
  subjects: ["one", "two", "three"].map((word) => hostile(`subject-${word}`)),
  folder: `apps/folder${SVG}`,
  // Of manifests.
  map: hostile("map"),
  label: `label${BREAK}`,
  space: `space${SVG}`,
  kind: `Kind${SVG}`,
  thing: `thing${BREAK}`,
  release: `release${SVG}`,
  chart: `chart${IMG}`,
  versions: [`1.0.0${SVG}`, `2.0.0${SVG}`],
  source: `source${SVG}`,
  sourceUrl: `https://charts.example/<svg/onload=${RUN}>`,
  key: `key${SVG}`,
  value: `value${BREAK}`,
  variable: `variable${BREAK}`,
  application: `application${SVG}`,
  gone: `gone${SVG}`,
  twice: `twice<svg/onload=${RUN}>`,
  pipeline: `pipeline${SVG}`,
  // Of people.
  person: hostile("person"),
  email: `'javascript:${RUN}//{{7*7}}@example.org`,
  token: `token${BREAK}`,
  formula: `=HYPERLINK("javascript:${RUN}","xss")`,
  agent: `agent"><script>${RUN};</script>`,
  asked: hostile("asked"),
  regex: `^|<script>${RUN}</script>`,
  expression: `branch != '<script>${RUN}</script>'`,
  hook: `hook${BREAK}`,
  listener: `listener${SVG}`,
  receiver: `receiver${SVG}`,
  dispatch: `dispatch${SVG}`,
  // Of receivers.
  answer: `<!DOCTYPE html><title>answer</title>${hostile("answer")}`,
  event: `event${SVG}`,
  run: `run${SVG}`,
} as const;

const SCRIPTS_ADDRESS = `javascript:${RUN}//https://forge.example`;

/** A text as YAML has it in double quotes; a separator of lines would end the line. */
export const quoted = (value: unknown) => JSON.stringify(value).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);

type Fields = Record<string, unknown>;

/** A map in block style, whose texts all stand in double quotes. */
function yaml(map: Fields, indent = ""): string {
  const entry = ([key, value]: [string, unknown]) => {
    const name = /^[A-Za-z][\w.-]*$/.test(key) ? key : quoted(key);
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    return isMap ? `${indent}${name}:\n${yaml(value as Fields, `${indent}  `)}` : `${indent}${name}: ${quoted(value)}\n`;
  };
  return Object.entries(map).map(entry).join("");
}

const named = (apiVersion: string, kind: string, name: string, more: Fields = {}) =>
  yaml({ apiVersion, kind, metadata: { name, namespace: TEXT.space, labels: { "app.kubernetes.io/name": TEXT.label }, annotations: { [TEXT.key]: TEXT.label } }, ...more });

const configMap = (name: string, text: string) => named("v1", "ConfigMap", name, { data: { [TEXT.key]: text } });

const release = (version: string) => named("helm.toolkit.fluxcd.io/v2", "HelmRelease", TEXT.release, {
  spec: {
    interval: "1h",
    chart: { spec: { chart: TEXT.chart, version, sourceRef: { kind: "HelmRepository", name: TEXT.source, namespace: TEXT.space } } },
    values: { [TEXT.key]: TEXT.value, plain: TEXT.value, image: { repository: `ghcr.io/xss/${IMG}`, tag: SVG } },
  },
});

const source = (kind: string, name: string, url: string) => named("source.toolkit.fluxcd.io/v1", kind, name, { spec: { interval: "1h", url } });

const application = (name: string, repoURL: string) => named("argoproj.io/v1alpha1", "Application", name, {
  spec: {
    project: SVG,
    source: { repoURL, chart: TEXT.chart, targetRevision: TEXT.versions[0], helm: { releaseName: name, valuesObject: { [TEXT.key]: TEXT.value } } },
    destination: { server: SCRIPTS_ADDRESS, namespace: TEXT.space },
  },
});

const container = (name: string, image: string) => ({ name, image, env: [{ name: SVG, value: TEXT.value }], command: [SCRIPT] });

/** The files of the first commit, by their path. */
const FILES: Record<string, string> = {
  "maps/map.yaml": configMap(TEXT.map, "before"),
  "maps/gone.yaml": configMap(TEXT.gone, TEXT.value),
  "maps/long.yaml": configMap("long", "<b>".repeat(9_000)),
  "maps/nul.yaml": configMap("nul\u0000", "a\u0000b"),
  "maps/twice.yaml": `${configMap("twice", "once")}  ${quoted(TEXT.twice)}: a\n  ${quoted(TEXT.twice)}: b\n`,
  [`broken/${SVG}.yaml`]: `a: [${BREAK}\n`,
  "things/thing.yaml": named(`xss.example/v1${IMG}`, TEXT.kind, TEXT.thing, { spec: { text: TEXT.value } }),
  [`${TEXT.folder}/release.yaml`]: release(TEXT.versions[0]),
  "sources/one.yaml": source("HelmRepository", TEXT.source, TEXT.sourceUrl),
  "sources/two.yaml": source("HelmRepository", "script", SCRIPTS_ADDRESS),
  "sources/three.yaml": source("GitRepository", "flux-system", `data:text/html,<script>${RUN}</script>`),
  "sources/four.yaml": source("OCIRepository", "oci", SCRIPTS_ADDRESS),
  "clusters/apps.yaml": named("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps", {
    spec: {
      interval: "1h",
      path: `./${TEXT.folder}`,
      sourceRef: { kind: "GitRepository", name: "flux-system" },
      postBuild: { substitute: { domain: TEXT.variable } },
    },
  }),
  "argo/one.yaml": application(TEXT.application, TEXT.sourceUrl),
  "argo/two.yaml": application("script", SCRIPTS_ADDRESS),
  "web/deployment.yaml": named("apps/v1", "Deployment", "web", {
    spec: {
      template: { spec: { containers: [container("one", "ghcr.io/xss/app:1.0.0"), container("two", IMG), container("three", `ghcr.io/xss/app:${SVG}`)] } },
    },
  }),
  ".tekton/run.yaml": named("tekton.dev/v1", "PipelineRun", TEXT.pipeline, { spec: { pipelineRef: { name: `reference${SVG}` } } }),
  ".tekton/broken.yaml": `a: [${BREAK}\n`,
};

/** Makes the repositories that the stand-in serves; the three commits of the first, the oldest first. */
export function repositories(folder: string): string[] {
  const served = join(folder, "forge", "ada", "world.git");
  const headless = join(folder, "forge", "ada", "headless.git");
  const work = join(folder, "work");
  const email = `ada"onload=${RUN}@example.org`;
  const env = {
    ...process.env,
    GIT_AUTHOR_NAME: TEXT.author, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: TEXT.author, GIT_COMMITTER_EMAIL: email,
  };
  const git = (...args: string[]) => execFileSync("git", ["-C", work, ...args], { env, stdio: "pipe" }).toString().trim();
  execFileSync("git", ["init", "--quiet", "--bare", `--initial-branch=${TEXT.trunk}`, served]);
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=nowhere", headless]);
  execFileSync("git", ["clone", "--quiet", served, work], { stdio: "pipe" });
  const put = (path: string, text: string) => {
    const file = join(work, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  const commit = (subject: string) => {
    git("add", "--all");
    git("commit", "--quiet", "--message", subject);
    return git("rev-parse", "HEAD");
  };
  const [first, second, third] = TEXT.subjects;
  for (const [path, text] of Object.entries(FILES)) put(path, text);
  const commits = [commit(first)];
  put("maps/map.yaml", configMap(TEXT.map, TEXT.value));
  put(`${TEXT.folder}/release.yaml`, release(TEXT.versions[1]));
  git("mv", "things/thing.yaml", `${TEXT.folder}/thing.yaml`);
  commits.push(commit(second));
  rmSync(join(work, "maps/gone.yaml"));
  commits.push(commit(third));
  git("push", "--quiet", "origin", ...[TEXT.trunk, TEXT.branch, TEXT.title].map((branch) => `HEAD:refs/heads/${branch}`));
  git("push", "--quiet", headless, `HEAD:refs/heads/one${SVG}`, "HEAD:refs/heads/two");
  return commits;
}

async function listen(answer: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** What the forge says of a repository, in Forgejo's words. */
function told(forge: string, id: number, fullName: string, git: string, more: Fields = {}): Fields {
  const now = new Date().toISOString();
  return {
    id, full_name: fullName, name: fullName.slice(fullName.indexOf("/") + 1), description: TEXT.about, language: TEXT.language,
    owner: { login: `ada${SVG}`, avatar_url: SCRIPTS_ADDRESS }, topics: ["kubesearch", `topic${SVG}`], licenses: [TEXT.about],
    html_url: SCRIPTS_ADDRESS, clone_url: `${forge}/ada/${git}.git`, website: SCRIPTS_ADDRESS, avatar_url: SCRIPTS_ADDRESS,
    stars_count: 7, forks_count: 1, watchers_count: 1, open_issues_count: 1, size: 10, created_at: now, updated_at: now, ...more,
  };
}

/** A forge that answers as Forgejo does, in front of the git of another. */
export async function forge(git: string): Promise<{ url: string; server: Server }> {
  let own = "";
  const found = () => [
    told(own, 1, TEXT.repository, "world"),
    told(own, 2, TEXT.headless, "headless"),
    told(own, 3, TEXT.left, "left", { archived: true }),
  ];
  const started = await listen((request, response) => {
    const { pathname } = new URL(request.url ?? "/", own);
    const send = (status: number, body: unknown, headers: Record<string, string> = {}) =>
      void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    if (pathname === "/api/v1/repos/search") return send(200, { ok: true, data: found() }, { "x-total-count": "3" });
    const [, id] = /^\/api\/v1\/repositories\/(\d+)$/.exec(pathname) ?? [];
    const one = found().find((repository) => String(repository.id) === id);
    if (one) return send(200, one);
    if (pathname.startsWith("/api/")) return send(404, { message: TEXT.about });
    const to = new URL(git);
    const asked = ask({ host: to.hostname, port: to.port, path: request.url, method: request.method, headers: { ...request.headers, host: to.host } }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    asked.on("error", () => response.destroy());
    request.pipe(asked);
  });
  own = started.url;
  return started;
}

/** What triggers tell: an EventListener, something that fails, and something that answers with a page. */
export const receiver = () =>
  listen((request, response) => {
    request.resume();
    request.on("end", () => {
      if (request.url?.startsWith("/listener")) {
        const taken = { eventListener: SVG, namespace: SVG, eventListenerUID: SVG, eventID: TEXT.event };
        response.writeHead(202, { "content-type": "application/json" }).end(JSON.stringify(taken));
      } else {
        const status = request.url?.startsWith("/fails") ? 500 : 200;
        response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(TEXT.answer);
      }
    });
  });

/** Serves with a forge that is searched. */
export const configured = (place: Place, port: number, url: string) => place.serve(`
app: { listen: "127.0.0.1:${port}", samples: never }
security: { allowed_networks: [127.0.0.0/8], require_https: false }
discovery:
  topics: [kubesearch]
  queries: [${quoted(TEXT.query)}]
  max_age: 36500d
  forges: [{ url: "${url}", provider: forgejo }]
`);
