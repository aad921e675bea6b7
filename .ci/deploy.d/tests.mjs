// Tests that docs/security.md and docs/reposentry.md name are where these say: `file: test`, then `others` of that file; also
// `files` alone.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SHORT = { it: "server/tests/it", web: "server/src/web", e2e: "end2end/tests" };

/** The file's place in the tree: its first folder may be short for another, or a crate's. */
function place(root, file) {
  const [first, ...rest] = file.split("/");
  const crate = join("server/crates", first);
  const folder = SHORT[first] ?? (existsSync(join(root, crate)) ? crate : first);
  return join(folder, ...rest);
}

/** Whether a file has a test, or for a script a word. */
function has(text, file, test) {
  if (file.endsWith(".rs")) return new RegExp(`\\bfn ${test}\\b`).test(text);
  if (file.endsWith(".ts")) return [`"${test}"`, `'${test}'`, `\`${test}\``].some((name) => text.includes(name));
  return text.includes(test);
}

/** What is wrong with the tests that a document names, and how many of those were looked at. */
function checkDocument(root, name) {
  const problems = [];
  let looked = 0;
  readFileSync(join(root, "docs", name), "utf8").split("\n").forEach((line, index) => {
    if (!line.startsWith("|")) return;
    let file;
    for (const [, span] of line.matchAll(/`([^`]+)`/g)) {
      const [, named, after] = /^([\w.-]+\/[\w./-]+\.(?:rs|ts|py|mjs))(?:: (.+))?$/.exec(span) ?? [];
      if (named) file = place(root, named);
      const test = named ? after : /^[a-z][a-z0-9]*(_[a-z0-9]+)+$/.exec(span)?.[0];
      if (!file || !(named || test)) continue;
      const where = `${name}:${index + 1}`;
      if (!existsSync(join(root, file))) {
        if (named) problems.push(`${where}: there is no ${file}`);
      } else if (test && !has(readFileSync(join(root, file), "utf8"), file, test)) {
        problems.push(`${where}: ${file} has no test ${test}`);
      }
      looked += 1;
    }
  });
  return { problems, looked };
}

export function checkTests(root) {
  const least = { "security.md": 100, "reposentry.md": 10 };
  return Object.entries(least).flatMap(([name, few]) => {
    const { problems, looked } = checkDocument(root, name);
    return looked < few ? [...problems, `${name}: hardly any test is named`] : problems;
  });
}
