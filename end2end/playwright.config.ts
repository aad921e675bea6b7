import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig, type PlaywrightTestConfig } from "@playwright/test";
import { freePort } from "./tests/program.ts";

// Read again in every worker, so what is chosen here is handed on by the environment.
process.env.KUBESTATS_E2E_PORT ??= String(await freePort());
// What a browser holds whose person signed in; the global set-up writes it.
process.env.KUBESTATS_E2E_STATE ??= join(tmpdir(), `kubestats-e2e-state-${process.env.KUBESTATS_E2E_PORT}.json`);

const chromium =
  process.env.KUBESTATS_CHROMIUM ??
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));

const desktop = { viewport: { width: 1440, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const inBrowser = /\.hydrate\.spec\.ts$/;
const pictures = /screenshots\.spec\.ts$/;

const projects: PlaywrightTestConfig["projects"] = [
  { name: "without-js", use: { ...desktop, javaScriptEnabled: false }, testIgnore: [inBrowser, pictures] },
  { name: "light", use: { ...desktop, colorScheme: "light" }, testIgnore: pictures },
  // Only colours are others, in the same pages.
  { name: "dark", use: { ...desktop, colorScheme: "dark" }, testMatch: /accessibility\.spec\.ts$/ },
  { name: "phone", use: phone, testMatch: /(accessibility|pages|phone)[.a-z]*\.spec\.ts$/ },
];
// Pictures are for people to look at: only where they are asked for.
const cameras: PlaywrightTestConfig["projects"] = [
  { name: "pictures-light", use: { ...desktop, colorScheme: "light" }, testMatch: pictures },
  { name: "pictures-dark", use: { ...desktop, colorScheme: "dark" }, testMatch: pictures },
  { name: "pictures-phone-light", use: { ...phone, colorScheme: "light" }, testMatch: pictures },
  { name: "pictures-phone-dark", use: { ...phone, colorScheme: "dark" }, testMatch: pictures },
];

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  globalSetup: "./server.ts",
  fullyParallel: true,
  workers: Number(process.env.KUBESTATS_E2E_WORKERS ?? 2),
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  // What hangs is ended. Whatever else is waited for takes a busy machine its time, and no check is about how long that is.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  // Where that is the server, everything hangs so long: so many tell enough, within half an hour.
  maxFailures: 20,
  reporter: [[process.env.CI ? "dot" : "list"], ["json", { outputFile: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE ?? "test-results/results.json" }]],
  use: {
    baseURL: `http://127.0.0.1:${process.env.KUBESTATS_E2E_PORT}`,
    storageState: process.env.KUBESTATS_E2E_STATE,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    reducedMotion: "reduce",
    screenshot: "only-on-failure",
    trace: "off",
    launchOptions: {
      executablePath: chromium,
      args: [
        "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-quic", "--no-first-run", "--force-prefers-reduced-motion",
      ],
    },
  },
  projects: process.env.KUBESTATS_E2E_PICTURES ? cameras : projects,
});
