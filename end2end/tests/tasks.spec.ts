// Who works, what waits, what is planned, and what each run said.

import { expect, repository, run, test } from "./support.ts";

test("the page of tasks names the process that works, the schedules and the runs", async ({ page, request }) => {
  await run(request, await repository(request, "home-cluster"));
  await page.goto("/tasks");
  const main = page.getByRole("main");
  await expect(main.getByRole("listitem").filter({ hasText: "pages and jobs" }).first()).toContainText("Working");
  const schedules = main.getByRole("table", { name: "Schedules" });
  await expect(schedules.getByRole("row").filter({ hasText: "aggregate-daily-ecosystem-stats" })).toContainText("30 2 * * *");
  await expect(main).toContainText("home-cluster");
});

test("a run has a page with what it said", async ({ page, request }) => {
  const id = await run(request, await repository(request, "home-cluster"));
  await page.goto(`/tasks/${id}`);
  const main = page.getByRole("main");
  await expect(main).toContainText("Done");
  await expect(main).toContainText("asked for through the API");
  await expect(main).toContainText("stands at");
  await expect(main.getByRole("heading", { name: "Log" })).toBeVisible();
});

test("a schedule runs when its button is pressed", async ({ page, request }) => {
  await page.goto("/tasks");
  const row = page.getByRole("row").filter({ hasText: "cleanup-repository-workdirs" });
  await row.getByRole("button", { name: "Run now" }).click();
  await expect
    .poll(async () => {
      await page.goto("/tasks?kind=cleanup_repository_workdirs&state=succeeded");
      return page.getByRole("main").locator(".jobs").last().getByRole("link").count();
    }, { timeout: 60_000 })
    .toBeGreaterThan(0);
});

test("runs can be narrowed by the address alone", async ({ page, request }) => {
  await run(request, await repository(request, "home-cluster"));
  await page.goto("/tasks?state=failed&kind=sync_repository");
  await expect(page.getByRole("main")).toContainText("No run matches");
  await page.goto("/tasks?state=succeeded&kind=sync_repository");
  await expect(page.getByRole("main")).toContainText("home-cluster");
});

test("no run is at an address that none has", async ({ page, forgive }) => {
  const answer = await page.goto("/tasks/00000000-0000-7000-8000-000000000000");
  expect(answer?.status()).toBe(404);
  // The browser itself logs an answer of 404; that is what is tested here.
  forgive(/status of 404/);
});
