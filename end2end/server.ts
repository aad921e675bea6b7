// Starts `kubestats serve` on a fresh database with its samples, and waits until they are scanned.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FIRST_ACCOUNT, signIn } from "./tests/program.ts";

const SAMPLES = 3;
const PATIENCE_MS = 120_000;

export default async function startServer() {
  const program = process.env.KUBESTATS_PROGRAM;
  if (!program) throw new Error("KUBESTATS_PROGRAM is not set: run the browser tests by `make test`");
  const folder = mkdtempSync(join(tmpdir(), "kubestats-e2e-"));
  const port = process.env.KUBESTATS_E2E_PORT;
  const log: string[] = [];
  const server = spawn(program, ["serve"], {
    cwd: folder,
    env: {
      ...process.env,
      ...FIRST_ACCOUNT,
      KUBESTATS_APP_DATA_DIR: join(folder, "data"),
      KUBESTATS_APP_LISTEN: `127.0.0.1:${port}`,
      KUBESTATS_APP_LOG_FORMAT: "json",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let ended = false;
  server.on("exit", () => (ended = true));
  for (const stream of [server.stdout, server.stderr]) {
    stream.on("data", (chunk) => {
      log.push(String(chunk));
      if (log.length > 2_000) log.shift();
    });
  }
  const stop = async () => {
    server.kill("SIGTERM");
    for (let i = 0; i < 100 && !ended; i += 1) await sleep(100);
    if (!ended) server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };

  const until = Date.now() + PATIENCE_MS;
  let state = "it does not answer";
  while (Date.now() < until && !ended) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/repositories/`);
      const { data } = (await answer.json()) as { data: { name: string; scan_status: string; scanned_commit: string | null }[] };
      state = data.map((r) => `${r.name}: ${r.scan_status}`).join(", ") || "no repositories";
      if (data.length >= SAMPLES && data.every((r) => r.scanned_commit && r.scan_status === "success")) {
        writeFileSync(process.env.KUBESTATS_E2E_STATE ?? "", JSON.stringify(await signIn(`http://127.0.0.1:${port}`)));
        return stop;
      }
    } catch {
      // Not listening yet.
    }
    await sleep(200);
  }
  const said = log.join("").trim().split("\n").slice(-30).join("\n");
  await stop();
  throw new Error(`the samples were not scanned (${ended ? "the server ended" : state}). The server said:\n${said}`);
}

/** The sample repositories' expected figures, the same that the Rust tests read. */
export const expected = JSON.parse(readFileSync(new URL("../server/samples/expected.json", import.meta.url), "utf8"));
