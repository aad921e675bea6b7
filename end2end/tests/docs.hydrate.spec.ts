// What programs and their makers get from the API's description: the documentation that asks, and a generated client.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { expected } from "../server.ts";

for (const [tag, operation] of [["resources", "list_resources"], ["repositories", "list_repositories"]]) {
  test(`the documentation asks ${operation} with the values that it proposes`, async ({ page }) => {
    await page.goto("/docs/");
    const block = page.locator(`#operations-${tag}-${operation}`);
    await block.locator(".opblock-summary-control").click();
    await block.getByRole("button", { name: "Try it out" }).click();
    await expect(block.locator('tr[data-param-name="direction"] select')).toHaveValue("descending");
    const answered = page.waitForResponse((response) => response.url().includes("direction=descending"));
    await block.getByRole("button", { name: "Execute" }).click();
    expect((await answered).status()).toBe(200);
    await expect(block.locator(".live-responses-table tr.response .response-col_status")).toHaveText(/^200/, { timeout: 60_000 });
  });
}

/** What a program would write against the generated client; it is checked by the compiler, then run. */
const CALLS = `
import { client } from "./client.gen";
import { getEcosystemOverview, getJob, getRepository, listJobs, listRepositories, listRepositoryEvents, listResources } from "./sdk.gen";

declare const process: { argv: string[] };

async function main() {
  client.setConfig({ baseUrl: process.argv[2] });
  const throwOnError = true;
  const repositories = await listRepositories({ throwOnError, query: { sort: "name", direction: "ascending", status: "success" } });
  const names: string[] = repositories.data.data.map((repository) => repository.name);
  const [first] = repositories.data.data;
  const path = { repository_id: first.id };
  const one = await getRepository({ throwOnError, path });
  const resources = await listResources({ throwOnError, query: { sort: "kind", direction: "descending", status: "ACTIVE", limit: 3 } });
  const events = await listRepositoryEvents({ throwOnError, path, query: { event_type: "CREATED", version_changes_only: false, limit: 1 } });
  const jobs = await listJobs({ throwOnError, query: { state: "succeeded", unfinished: false } });
  const overview = await getEcosystemOverview({ throwOnError, query: { range: "30d" } });
  const missing = await getJob({ path: { job_id: first.id } });
  const reason: string | undefined = missing.error?.detail;
  console.log(JSON.stringify({
    names, same: one.data.full_name === first.full_name, kinds: resources.data.data.map((resource) => resource.kind),
    event: events.data.data[0]?.event_type, jobs: jobs.data.count, range: typeof overview.data, status: missing.response?.status, reason,
  }));
}

main();
`;

test("a client that is generated from the description compiles and asks the running server", async ({ baseURL }) => {
  const folder = mkdtempSync(join(tmpdir(), "kubestats-client-"));
  const run = (program: string, ...words: string[]) => {
    try {
      return execFileSync(process.execPath, [join(import.meta.dirname, "../node_modules", program), ...words], { cwd: folder, encoding: "utf8" });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${program} failed:\n${stdout}\n${stderr}`);
    }
  };
  try {
    const description = await fetch(`${baseURL}/api/v1/openapi.json`);
    writeFileSync(join(folder, "openapi.json"), await description.text());
    run("@hey-api/openapi-ts/bin/run.js", "-i", "openapi.json", "-o", "client", "-c", "@hey-api/client-fetch", "--no-log-file");
    writeFileSync(join(folder, "client/calls.ts"), CALLS);
    run(
      "typescript/bin/tsc", "--strict", "--skipLibCheck", "--target", "es2022", "--lib", "es2022,dom,dom.iterable",
      "--module", "commonjs", "--moduleResolution", "node10", "--outDir", "js", "client/calls.ts",
    );
    const said = JSON.parse(execFileSync(process.execPath, [join(folder, "js/calls.js"), baseURL ?? ""], { encoding: "utf8" }));
    expect(said.names).toHaveLength(Object.keys(expected.repositories ?? expected).length);
    expect(said).toMatchObject({ same: true, event: "CREATED", range: "object", status: 404, reason: "Job not found" });
    expect(said.kinds).toHaveLength(3);
    expect(said.jobs).toBeGreaterThan(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
