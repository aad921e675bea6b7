// Marks pages as Lighthouse does, on its slow phone: node run.mjs URL... Prints one line of JSON for each.

import { existsSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const CATEGORIES = ["performance", "accessibility", "best-practices"];
// The middle of several runs: on a busy machine single ones stray.
const RUNS = Number(process.env.KUBESTATS_LIGHTHOUSE_RUNS ?? 3);

const chromePath = process.env.KUBESTATS_CHROMIUM ??
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
const chrome = await launch({
  chromePath,
  chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync"],
});
/** One run. Now and then the browser's trace misses the navigation, and Lighthouse asks to be run again. */
async function look(url, tries = 3) {
  const { lhr } = await lighthouse(url, { port: chrome.port, onlyCategories: CATEGORIES, logLevel: "error" });
  if (!lhr.runtimeError) return lhr;
  if (tries <= 1) throw new Error(`${url}: ${lhr.runtimeError.message}`);
  return look(url, tries - 1);
}

try {
  for (const url of process.argv.slice(2)) {
    const runs = [];
    for (let run = 0; run < RUNS; run += 1) {
      runs.push(await look(url));
    }
    runs.sort((a, b) => a.categories.performance.score - b.categories.performance.score);
    const { categories, audits } = runs[Math.floor(runs.length / 2)];
    const marks = Object.fromEntries(CATEGORIES.map((name) => [name, Math.round(categories[name].score * 100)]));
    const lost = CATEGORIES.flatMap((name) => categories[name].auditRefs)
      .filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 0.9)
      .map(({ id }) => `${id}${audits[id].displayValue ? ` ${audits[id].displayValue}` : ""}`);
    console.log(JSON.stringify({ url, ...marks, lost }));
  }
} finally {
  chrome.kill();
}
