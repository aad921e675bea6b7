// Prints the values that the HelmRelease of a file gives to its chart.

import { readFileSync } from "node:fs";
import { parseAllDocuments, stringify } from "yaml";

const documents = parseAllDocuments(readFileSync(process.argv[2], "utf8")).map((document) => document.toJS());
const release = documents.find((document) => document?.kind === "HelmRelease");
if (!release) throw new Error(`${process.argv[2]} has no HelmRelease`);
process.stdout.write(stringify(release.spec.values));
