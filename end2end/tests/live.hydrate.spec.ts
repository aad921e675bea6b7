// Pages follow what happens without a reload.

import { expect, repository, test } from "./support.ts";

test("a sync that is asked for elsewhere shows on an open page", async ({ page, request }) => {
  const cluster = await repository(request, "home-cluster");
  await page.goto(`/repositories/${cluster.id}`);
  await page.waitForRequest((r) => r.url().includes("/api/v1/stream"), { timeout: 10_000 }).catch(() => {});
  const before = (await (await request.get(`/api/v1/repositories/${cluster.id}`)).json()).last_sync_at;
  const answer = await request.post(`/api/v1/repositories/${cluster.id}/sync`);
  expect(answer.status()).toBe(202);
  expect(answer.headers().location).toMatch(/\/api\/v1\/jobs\//);
  await expect.poll(async () => (await (await request.get(`/api/v1/repositories/${cluster.id}`)).json()).last_sync_at, { timeout: 15_000 }).not.toBe(before);
});
