// Every dependency's licence must be one that goes with Apache-2.0, from the registry, and not on the list of crates we
// decided against: the part of cargo-deny that needs nothing installed. `.cargo/deny.toml` says the same to cargo-deny.

import { execFileSync } from "node:child_process";

const ALLOWED = new Set(["0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
  "CC0-1.0", "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "OFL-1.1", "Unicode-3.0", "Unlicense", "Zlib", "bzip2-1.0.6"]);
// Two of a kind, or C libraries where a Rust one is in use already.
const BANNED = { openssl: "rustls is in use", "openssl-sys": "rustls is in use", git2: "gix is in use", "serde_yaml": "yaml_serde is its maintained heir",
  "lazy_static": null, diesel: "SeaORM is in use", "async-std": "tokio is in use" };

/** Whether an SPDX expression can be met by allowed licences alone. */
function met(expression) {
  const tokens = expression.replaceAll("/", " OR ").match(/\(|\)|[^\s()]+/g) ?? [];
  let at = 0;
  const or = () => {
    let value = and();
    while (tokens[at] === "OR") { at += 1; const right = and(); value = value || right; }
    return value;
  };
  const and = () => {
    let value = term();
    while (tokens[at] === "AND") { at += 1; const right = term(); value = value && right; }
    return value;
  };
  const term = () => {
    if (tokens[at] === "(") { at += 1; const value = or(); at += 1; return value; }
    let id = tokens[at++];
    if (tokens[at] === "WITH") { id = `${id} WITH ${tokens[at + 1]}`; at += 2; }
    return ALLOWED.has(id);
  };
  const value = or();
  return value && at === tokens.length;
}

const metadata = JSON.parse(execFileSync("cargo", ["metadata", "--format-version", "1", "--locked"], { maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] }));
const problems = [];
for (const { name, version, license, license_file, source } of metadata.packages) {
  const where = `${name} ${version}`;
  if (!license && !license_file) problems.push(`${where}: no licence is named`);
  else if (license && !met(license)) problems.push(`${where}: licence ${license} is not on the list of .ci/licences.mjs`);
  if (source && !source.startsWith("registry+")) problems.push(`${where}: comes from ${source}, not from the registry`);
  if (BANNED[name]) problems.push(`${where}: ${BANNED[name]}`);
}
for (const problem of problems) console.error(problem);
console.log(`${metadata.packages.length} packages looked at, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
