// Reads what was rendered of deploy/ and says everything that is wrong: `node check.mjs ROOT RENDERED`.
//
// Each object is held against the schema of its kind, and as TypeScript against its type, which knows keys that are none;
// then pods against what a restricted namespace asks and what they have to be told, and names against what they name. PromQL is
// parsed, and its metrics have to be ones that the program tells. The chart's schema has to know what the program reads, and
// docs/security.md and docs/reposentry.md may name only tests that are there.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { checkCompose } from "./compose.mjs";
import { checkFigures } from "./figures.mjs";
import { checkKeys } from "./keys.mjs";
import { checkReferences } from "./references.mjs";
import { checkPod } from "./restricted.mjs";
import { checkTypes, model } from "./schemas.mjs";
import { checkSettings } from "./settings.mjs";
import { isTekton, podsOf } from "./tekton.mjs";
import { checkTests } from "./tests.mjs";

const [root, rendered] = process.argv.slice(2);
const problems = [];
const read = (file) =>
  parseAllDocuments(readFileSync(file, "utf8")).map((document) => {
    for (const error of [...document.errors, ...document.warnings]) problems.push(`${file}: ${error.message}`);
    return document.toJS();
  }).filter(Boolean);

const objects = [];
for (const name of readdirSync(rendered).sort()) {
  const written = read(join(rendered, name));
  const placed = (object) => ({ object, where: `${name}: ${object.kind}/${object.metadata?.name}` });
  const file = written.flatMap((object) => (isTekton(object) ? podsOf(object) : [object])).map(placed);
  for (const { object, where } of file) {
    const found = await model(object);
    if (!found) {
      problems.push(`${where}: no schema is known of ${object.apiVersion} ${object.kind}`);
      continue;
    }
    try {
      new found(object).validate();
    } catch (error) {
      problems.push(`${where}: ${error.message}`);
    }
    const pod = object.spec?.template?.spec;
    if (pod) problems.push(...checkPod(pod).map((problem) => `${where}: ${problem}`));
  }
  for (const check of [checkReferences, checkSettings]) {
    problems.push(...check(file.map(({ object }) => object)).map((problem) => `${name}: ${problem}`));
  }
  objects.push(...file, ...written.filter(isTekton).map(placed));
}
problems.push(...checkTypes(objects));
problems.push(...checkCompose(join(root, "deploy"), read));
problems.push(...checkFigures(root, read));
problems.push(...checkKeys(root, read));
problems.push(...checkTests(root));

for (const problem of problems) console.error(problem);
console.log(`${objects.length} objects looked at, ${problems.length} problems`);
if (objects.length === 0) throw new Error("nothing was looked at");
process.exit(problems.length ? 1 : 0);
