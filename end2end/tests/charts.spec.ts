// Charts and images: who uses one, in which version, with which values, how to get it, and where links of old lead.

import { awake, chart, chartPath, expect, repository, test, type Chart } from "./support.ts";

test("three clicks tell who uses cilium, in which version and with which ipam.mode", async ({ page }) => {
  await page.goto("/");
  const main = page.getByRole("main");
  await page.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Charts", exact: true }).click();
  // The overview has links of the same name.
  await expect(main.getByRole("heading", { level: 1 })).toHaveText("Charts");
  await main.getByRole("link", { name: "cilium", exact: true }).click();
  await main.getByRole("link", { name: "ipam.mode", exact: true }).click();
  await expect(page).toHaveURL(/path=ipam\.mode/);
  const user = main.getByRole("table", { name: "Who sets it, and to what" }).getByRole("row").filter({ hasText: "samples/home-cluster" });
  await expect(user.locator('[data-label="Version"]')).toHaveText("1.20.1");
  await expect(user.locator('[data-label="Value"]')).toHaveText("kubernetes");
});

test("charts can be narrowed by the address alone", async ({ page }) => {
  const main = page.getByRole("main");
  const named = (name: string) => main.getByRole("table", { name: "Charts in use" }).getByRole("link", { name, exact: true });
  for (const [query, found, other] of [
    ["text=cilium", "cilium", "cert-manager"],
    ["kind=argo", "argo-cd", "cilium"],
    ["used_by=2", "cert-manager", "cilium"],
  ]) {
    await page.goto(`/charts?${query}`);
    await expect(named(found), query).toBeVisible();
    await expect(named(other), query).toHaveCount(0);
  }
  for (const query of ["text=no-such-chart", "kind=nonsense", "used_by=1000", "at=2001-01-01"]) {
    await page.goto(`/charts?${query}`);
    await expect(main, query).toContainText("No chart matches");
  }
});

test("a chart is shown as of a past day, and what is no day is told", async ({ page, request, forgive }) => {
  const cilium = chartPath(await chart(request, "cilium"));
  const main = page.getByRole("main");
  const user = main.getByRole("table", { name: "Who uses it" }).getByRole("row").filter({ hasText: "samples/home-cluster" });
  await page.goto(`${cilium}?at=2001-01-01`);
  await expect(main).toContainText("As it was on 2001-01-01");
  await expect(main).toContainText(/Nobody use[sd] it/);
  await page.goto(`${cilium}?at=2026-01-01`);
  await expect(user.locator('[data-label="Version"]')).toHaveText("1.18.2");
  await main.getByRole("link", { name: "Show it as it is now" }).click();
  await expect(user.locator('[data-label="Version"]')).toHaveText("1.20.1");
  for (const path of ["/charts", cilium, `/compare${cilium}`, "/images", "/images/docker.io/library/nginx"]) {
    const answer = await page.goto(`${path}?at=soon`);
    expect(answer?.status(), path).toBe(400);
    await expect(main.getByRole("alert"), path).toContainText("must be a day such as 2026-01-31");
  }
  forgive(/status of 400/);
});

test("a new version of a chart leads to what others changed with it", async ({ page, request }) => {
  const home = await repository(request, "home-cluster");
  await page.goto(`/repositories/${home.id}?tab=events&kind=HelmRelease&text=cilium`);
  await page.getByRole("main").getByTitle("What others changed with this step").first().click();
  await expect(page).toHaveURL(/tab=upgrades&from=.+&to=.+/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("cilium");
  await expect(page.getByRole("main")).toContainText("samples/home-cluster");
});

test("a chart says how it is installed", async ({ page, request }) => {
  const main = page.getByRole("main");
  // One of a registry, one of a repository.
  for (const name of ["cilium", "metrics-server"]) {
    const one = await chart(request, name);
    const { chart: { newest_version }, sources: [{ url, key }] } = await (await request.get(`/api/v1/charts/find?key=${one.key}`)).json();
    await page.goto(`${chartPath(one)}?tab=install`);
    const snippet = (title: RegExp) => main.locator("section", { has: page.getByRole("heading", { name: title }) }).locator("pre");
    for (const part of ["kind: HelmRelease", `url: ${url}`, newest_version]) await expect(snippet(/^Flux/), name).toContainText(part);
    for (const part of ["kind: Application", `repoURL: ${url.replace("oci://", "")}`, newest_version]) await expect(snippet(/^Argo CD/), name).toContainText(part);
    for (const part of [`helm install ${name}`, url, newest_version]) await expect(snippet(/^Helm$/), name).toContainText(part);
    await expect(main.getByRole("table", { name: "Where it comes from" }), name).toContainText(key);
  }
});

test("an image tells its tags, who runs it and through which chart", async ({ page }) => {
  const main = page.getByRole("main");
  await page.goto("/images?text=home-assistant");
  await main.getByRole("link", { name: "ghcr.io/home-operations/home-assistant", exact: true }).click();
  await expect(main.getByRole("heading", { level: 1 })).toHaveText("home-assistant");
  await expect(main.getByRole("table", { name: "Tags in use" })).toContainText("2026.8.3");
  const place = main.getByRole("table", { name: "Where it is" }).getByRole("row").filter({ hasText: "samples/home-cluster" });
  await expect(place.locator('[data-label="Tag"]')).toHaveText("2026.8.3");
  await main.getByRole("table", { name: "Charts and kinds" }).getByRole("link", { name: "app-template" }).click();
  await expect(main.getByRole("heading", { level: 1 })).toHaveText("app-template");
});

test("charts, values and images that are not there are said to be not there", async ({ page, request, forgive }) => {
  const value = `${chartPath(await chart(request, "cilium"))}?tab=values&path=no.such.value`;
  for (const [path, what] of [
    ["/charts/no.example/chart", "chart"],
    ["/compare/charts/no.example/chart", "chart"],
    [value, "value"],
    ["/images/no.example/image", "image"],
  ]) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(404);
    await expect(page.getByRole("heading", { level: 1 }), path).toHaveText("Not found");
    await expect(page.getByRole("main").getByRole("alert"), path).toContainText(`There is no such ${what} here`);
  }
  forgive(/status of 404/);
});

test("links of kubesearch and other keys of a chart lead to its page", async ({ page, request, forgive }) => {
  const [cilium, template, certs] = [await chart(request, "cilium"), await chart(request, "app-template"), await chart(request, "cert-manager")];
  const links: [string, Chart, string?][] = [
    // Of the source's address, and with the names of chart and release, as kubesearch made them before.
    ["quay.io-cilium-charts-cilium", cilium],
    ["quay.io-cilium-charts-cilium-cilium", cilium],
    ["oci--quay.io-cilium-charts-cilium-cilium", cilium],
    // And to the releases of the name in it, where that is not the chart's.
    ["ghcr.io-bjw-s-labs-helm-app-template-home-assistant", template, "?release=home-assistant"],
  ];
  for (const [key, to, query = ""] of links) {
    const answer = await request.get(`/hr/${key}`, { maxRedirects: 0 });
    expect(answer.status(), key).toBe(308);
    expect(answer.headers().location, key).toBe(`${chartPath(to)}${query}`);
  }
  const heading = page.getByRole("heading", { level: 1 });
  await page.goto("/hr/ghcr.io-bjw-s-labs-helm-app-template-home-assistant");
  await page.getByRole("link", { name: "All of this name" }).click();
  await expect(page.getByRole("main").getByRole("table", { name: "Who uses it" }).locator('[data-label="Release"]')).toHaveText(["home-assistant"]);
  await page.goto("/hr/quay.io-cilium-charts-cilium");
  await expect(heading).toHaveText("cilium");
  await page.goto("/charts/charts.jetstack.io/cert-manager?tab=users");
  await expect(page).toHaveURL(`${chartPath(certs)}?tab=users`);
  await expect(heading).toHaveText("cert-manager");
  expect((await page.goto("/hr/no-such-chart"))?.status()).toBe(404);
  await expect(heading).toHaveText("Not found");
  forgive(/status of 404/);
});

test("values of two repositories stand side by side", async ({ page, request }) => {
  const main = page.getByRole("main");
  await page.goto(`${chartPath(await chart(request, "cert-manager"))}?tab=users`);
  await main.getByRole("link", { name: "Compare the first 2" }).click();
  await expect(main.getByRole("heading", { level: 1 })).toHaveText("cert-manager: values side by side");
  const heads = main.getByRole("table").getByRole("columnheader");
  await expect(heads).toHaveCount(3);
  for (const name of ["samples/home-cluster", "samples/argo-apps"]) await expect(heads.filter({ hasText: name })).toHaveCount(1);
  await expect(main.getByRole("row").filter({ hasText: "replicaCount" })).toContainText("not set");
  const sides = main.getByRole("list", { name: "Repositories that are compared" });
  await sides.getByRole("link", { name: "Leave out samples/argo-apps" }).click();
  await expect(heads).toHaveCount(2);
  await expect(heads.nth(1)).toContainText("samples/home-cluster");
});

test("releases of one name stand side by side, and who is unknown is said", async ({ page, request, javaScriptEnabled }) => {
  const main = page.getByRole("main");
  const path = chartPath(await chart(request, "app-template"));
  await page.goto(`/compare${path}?repositories=samples/home-cluster,no/such`);
  if (javaScriptEnabled !== false) await awake(page);
  await expect(main).toContainText("No repository that uses the chart is called no/such.");
  const heads = main.getByRole("table").first().getByRole("columnheader");
  const all = await heads.count();
  expect(all).toBeGreaterThan(2);
  await main.getByLabel("Release").selectOption("home-assistant");
  // The day above has a button of its own.
  if (javaScriptEnabled === false) await main.getByRole("button", { name: "Apply" }).last().click();
  await expect(page).toHaveURL(/release=home-assistant/);
  await expect(heads).toHaveCount(2);
  await expect(heads.nth(1)).toContainText("home-assistant");
});

test("charts and the ecosystem are told as of a day", async ({ page, request }) => {
  const main = page.getByRole("main");
  for (const path of [chartPath(await chart(request, "cilium")), "/ecosystem"]) {
    await page.goto(`${path}?at=2026-08-01`);
    await expect(main, path).toContainText("As it was on");
    await expect(main.getByLabel("As of"), path).toHaveValue("2026-08-01");
    await main.getByRole("link", { name: "Show it as it is now" }).click();
    await expect(main, path).not.toContainText("As it was on");
  }
});

test("a repository's charts and images lead to those of everybody", async ({ page, request }) => {
  const { id } = await repository(request, "home-cluster");
  const main = page.getByRole("main");
  await page.goto(`/repositories/${id}?tab=charts`);
  // The release has the chart's name.
  await main.getByRole("table", { name: "Charts", exact: true }).locator('a[href^="/charts/"]', { hasText: /^cilium$/ }).click();
  await expect(main.getByRole("heading", { level: 1 })).toHaveText("cilium");
  await page.goto(`/repositories/${id}?tab=charts&view=images`);
  await main.getByRole("table", { name: "Images", exact: true }).getByRole("link", { name: "ghcr.io/home-operations/home-assistant" }).click();
  await expect(main.getByRole("heading", { level: 1 })).toHaveText("home-assistant");
});
