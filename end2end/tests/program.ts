// Programs that a test starts for itself, where it stops them, slows them down, or takes away what others look at.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A port to serve at, now and after a restart: not one of those that the system gives to outgoing connections. */
export async function freePort(): Promise<number> {
  const port = 10_000 + Math.floor(Math.random() * 20_000);
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  return isFree ? port : freePort();
}

/** Whom every program that a test starts knows from the beginning. */
export const ADMIN = { email: "ada@example.org", password: "violet anchor timber seventeen" };
export const FIRST_ACCOUNT = { FIRST_SUPERUSER: ADMIN.email, FIRST_SUPERUSER_PASSWORD: ADMIN.password };

/** Signs in as a browser's form does; what a browser holds afterwards. */
export async function signIn(site: string, { email, password } = ADMIN, more: Record<string, string> = {}) {
  const answer = await fetch(`${site}/sign-in`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", origin: site, ...more },
    body: new URLSearchParams({ email, password }),
    redirect: "manual",
  });
  const cookie = answer.headers.getSetCookie().map((line) => /^(kubestats)=([^;]+)/.exec(line)).find(Boolean);
  if (answer.status !== 303 || !cookie) throw new Error(`${email} can't sign in at ${site}: ${answer.status}`);
  const kept = { path: "/", expires: -1, httpOnly: true, secure: false, sameSite: "Lax" as const };
  return { cookies: [{ name: cookie[1], value: cookie[2], domain: "127.0.0.1", ...kept }], origins: [] };
}

/** A folder with the processes that work in it; `end` stops them and takes it away. */
export class Place {
  readonly folder: string;
  private processes: ChildProcess[] = [];

  constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `kubestats-e2e-${name}-`));
  }

  /** Starts a program and waits until it serves; the process, and what it said until then. */
  private start(program: string | undefined, args: string[], env: Record<string, string> = {}): Promise<[ChildProcess, string]> {
    if (!program) throw new Error("KUBESTATS_PROGRAM and KUBESTATS_STANDIN are not set: run the browser tests by `make test`");
    const started = spawn(program, args, { cwd: this.folder, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.processes.push(started);
    return new Promise((resolve, reject) => {
      let said = "";
      const listen = (chunk: Buffer) => {
        said += chunk;
        if (/serving http|forges:/.test(said)) resolve([started, said]);
      };
      started.stdout.on("data", listen);
      started.stderr.on("data", listen);
      started.on("exit", () => reject(new Error(`${program} ended:\n${said}`)));
    });
  }

  /** Starts the stand-in forge over these repositories, on ports that are free; where its GitHub and its plain git are. */
  async forge(folder: string, args: string[] = []): Promise<{ github: string; git: string }> {
    const [, said] = await this.start(process.env.KUBESTATS_STANDIN, ["--repositories", folder, "--generous", "--port", "0", ...args]);
    const at = (name: string) => {
      const url = new RegExp(`^ +${name} +(http://\\S+)`, "m").exec(said)?.[1];
      if (!url) throw new Error(`the forge does not say where its ${name} is:\n${said}`);
      return url;
    };
    return { github: at("GitHub"), git: at("plain git") };
  }

  /** Starts Kubestats with this configuration, on the data that an earlier one left. */
  async serve(config: string, env: Record<string, string> = {}): Promise<ChildProcess> {
    writeFileSync(join(this.folder, "kubestats.yaml"), config);
    const settings = { ...FIRST_ACCOUNT, KUBESTATS_APP_DATA_DIR: join(this.folder, "data"), KUBESTATS_APP_LOG_FORMAT: "json" };
    const [started] = await this.start(process.env.KUBESTATS_PROGRAM, ["serve"], { ...settings, ...env });
    return started;
  }

  /** Starts an issuer of OpenID Connect whose people are led back to this address. */
  async issuer(port: number, callback: string): Promise<void> {
    const program = fileURLToPath(new URL("../issuer.mjs", import.meta.url));
    await this.start(process.execPath, [program, `${port}`, callback]);
  }

  async stop(started: ChildProcess): Promise<void> {
    this.processes = this.processes.filter((process) => process !== started);
    started.removeAllListeners("exit");
    if (started.exitCode !== null || started.signalCode !== null) return;
    const ended = new Promise((resolve) => started.on("exit", resolve));
    started.kill("SIGTERM");
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 15_000))]);
    if (started.exitCode === null) started.kill("SIGKILL");
  }

  async end(): Promise<void> {
    for (const started of [...this.processes].reverse()) await this.stop(started);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A door before the server that counts the lines for news which are open. */
export async function door(behind: string): Promise<{ url: string; lines: () => number; close: () => void }> {
  const to = new URL(behind);
  let lines = 0;
  const server = createServer((request, response) => {
    const here = `http://${request.headers.host}`;
    const headers = { ...request.headers, host: to.host };
    for (const name of ["origin", "referer"] as const) {
      const value = headers[name];
      if (value) headers[name] = value.replace(here, to.origin);
    }
    const asked = ask({ host: to.hostname, port: to.port, path: request.url, method: request.method, headers }, (answer) => {
      const location = answer.headers.location?.replace(to.origin, here);
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...(location ? { location } : {}) });
      response.flushHeaders();
      answer.pipe(response);
    });
    asked.on("error", () => response.destroy());
    if (request.url?.startsWith("/api/v1/stream")) {
      lines += 1;
      response.on("close", () => { lines -= 1; });
    }
    response.on("close", () => asked.destroy());
    request.pipe(asked);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lines: () => lines,
    close: () => { server.closeAllConnections(); server.close(); },
  };
}
