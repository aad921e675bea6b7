// Copies what an image is built from, as .dockerignore leaves it: `node image.mjs ROOT INTO`.

import { execFileSync } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import dockerignore from "@balena/dockerignore";

const [root, into] = process.argv.slice(2);
const rules = dockerignore({ ignorecase: false }).add(readFileSync(join(root, ".dockerignore"), "utf8"));
const tracked = execFileSync("git", ["-C", root, "ls-files", "-z"], { encoding: "utf8" }).split("\0").filter(Boolean);
for (const file of rules.filter(tracked)) cpSync(join(root, file), join(into, file));
