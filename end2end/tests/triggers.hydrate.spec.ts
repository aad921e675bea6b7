// The form of a trigger while somebody types.

import { awake, expect, test } from "./support.ts";

test("what is wrong shows while somebody types, and saving leads to it", async ({ page, forgive }) => {
  forgive(/status of 400.*\/ui\/save_trigger/);
  await page.goto("/triggers/new?kind=webhook");
  await awake(page);
  const main = page.getByRole("main");
  const branches = main.getByLabel("Branches");
  await branches.fill("(");
  await expect(branches).toHaveAttribute("aria-invalid", "true");
  await branches.fill("^main$");
  await expect(branches).not.toHaveAttribute("aria-invalid", "true");
  await main.getByLabel("Paths").fill("clusters/**");
  await expect(main).toContainText("Which files a commit changed is read before it is decided");
  // Neither name nor address are there yet.
  await main.getByRole("button", { name: "Save" }).click();
  await expect(main).toContainText("nothing is saved yet");
  await expect(main.getByLabel("Name")).toBeFocused();
  await expect(branches, "nothing typed is lost").toHaveValue("^main$");
  await expect(page).toHaveURL(/\/triggers\/new\?kind=webhook$/);
});

test("a dry run shows beside the form without leaving it", async ({ page }) => {
  await page.goto("/triggers/new?kind=flux");
  await awake(page);
  const main = page.getByRole("main");
  await main.getByLabel("Name").fill("flux");
  await main.getByRole("button", { name: /Try it on the last 30 days/ }).click();
  await expect(main.getByRole("status").last()).toContainText(/It would|Nothing happened/);
  await expect(main.getByLabel("Name")).toHaveValue("flux");
  await expect(page).toHaveURL(/\/triggers\/new\?kind=flux$/);
});
