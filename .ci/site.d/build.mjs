// Turns the WebAssembly and its glue, style/ and public/ into one folder of files with hashed names and a manifest.json
// that maps a logical name to its file: node build.mjs dev|release GLUE_DIR OUT_DIR

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { FEATURES, joinParts } from "./parts.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const [mode, glue, out] = process.argv.slice(2);
const release = mode === "release";

// What the first visit of /repositories may cost, compressed with brotli: a build over it fails. The WebAssembly is what all
// pages need and that page's parts. Budgets are for people: far below is better, and no code bends for it.
const WASM = ["kubestats.wasm", "parts/Repositories"];
const WASM_BUDGET = 326_000;
const FIRST_LOAD_BUDGET = 450_000;
const FIRST_LOAD = ["kubestats.js", ...WASM, "main.css", "ui.js", "favicon.svg", "inter-latin-wght-normal.woff2",
  "jetbrains-mono-latin-wght-normal.woff2"];
const COMPRESSIBLE = new Set([".css", ".ico", ".js", ".json", ".map", ".parts", ".svg", ".txt", ".ttf", ".wasm", ".webmanifest", ".xml"]);

const files = new Map(); // name in the folder -> bytes
const manifest = {}; // logical name -> name in the folder

function add(logical, bytes, { hashed = true, as = logical } = {}) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  const extension = extname(logical);
  const stem = logical.slice(0, logical.length - extension.length).replaceAll("/", "-");
  const name = hashed ? `${stem}-${hash}${extension}` : logical;
  files.set(name, bytes);
  manifest[as] = name;
  return name;
}

function* walk(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile() && !entry.name.startsWith(".")) yield path;
  }
}

function optimise(wasm) {
  if (!release) return readFileSync(wasm);
  const optimised = `${wasm}.opt`;
  if (!existsSync(optimised) || statSync(optimised).mtimeMs < statSync(wasm).mtimeMs) {
    execFileSync(process.execPath, [join(here, "node_modules/binaryen/bin/wasm-opt"), "-Oz", "--strip-debug",
      "--strip-producers", ...FEATURES.map((f) => `--enable-${f}`), wasm, "-o", optimised], { stdio: "inherit" });
  }
  return readFileSync(optimised);
}

async function bundle(entries) {
  if (entries.length === 0) return;
  const built = await esbuild.build({
    entryPoints: entries,
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["es2022", "chrome111", "firefox115", "safari16.4"],
    outdir: "/site",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    splitting: true,
    metafile: true,
    legalComments: "none",
    nodePaths: [join(root, "style/node_modules")],
    loader: { ".woff2": "file", ".woff": "empty", ".svg": "dataurl", ".png": "file" },
    absWorkingDir: root,
    logLevel: "warning",
    // The module names the glue of its parts once for each page; it is the same each time.
    logOverride: { "duplicate-object-key": "silent" },
    plugins: [{
      name: "split",
      setup: (build) => build.onLoad({ filter: /[/]split[.]js$/ }, ({ path }) =>
        path === resolve(glue, "split.js") ? { contents: split } : undefined),
    }],
  });
  for (const file of built.outputFiles) files.set(relative("/site", file.path), file.contents);
  for (const [path, output] of Object.entries(built.metafile.outputs)) {
    if (output.entryPoint) {
      manifest[basename(output.entryPoint)] = basename(path);
      if (output.cssBundle) throw new Error(`${output.entryPoint} imports CSS; import it from style/main.css`);
    }
  }
  // Fonts are preloaded by name, so they are in the manifest too.
  for (const [path, output] of Object.entries(built.metafile.outputs)) {
    const input = Object.keys(output.inputs)[0];
    if (!output.entryPoint && input && path.endsWith(".woff2")) manifest[basename(input)] = basename(path);
  }
}

function compress(name, bytes) {
  if (!COMPRESSIBLE.has(extname(name)) || bytes.length < 1024) return bytes.length;
  const br = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: release ? 11 : 4, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  // Without it the server would pack the file, of megabytes, for whoever asks; where it is quick to build, so is this.
  files.set(`${name}.br`, br);
  if (release) files.set(`${name}.gz`, gzipSync(bytes, { level: 9 }));
  return br.length;
}

add("kubestats.wasm", optimise(join(glue, "kubestats_bg.wasm")));
const split = joinParts(glue, release, (page, bytes) => add(`${page}.parts`, bytes, { as: `parts/${page}` }));
const styles = join(root, "style/main.css");
const scripts = [...walk(join(root, "style/js"))].filter((path) => dirname(path) === join(root, "style/js") && path.endsWith(".js"));
await bundle([join(glue, "kubestats.js"), ...(existsSync(styles) ? [styles] : []), ...scripts]);
for (const path of walk(join(root, "public"))) {
  const logical = relative(join(root, "public"), path);
  if (logical.startsWith("root/")) add(logical.slice("root/".length), readFileSync(path), { hashed: false });
  else add(logical, readFileSync(path));
}

const sizes = new Map([...files].map(([name, bytes]) => [name, compress(name, bytes)]));
files.set("manifest.json", Buffer.from(`${JSON.stringify(manifest, Object.keys(manifest).sort(), 2)}\n`));

// A running server may be reading the folder, so it is replaced whole.
const fresh = `${out}.new`;
rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
for (const [name, bytes] of files) {
  mkdirSync(dirname(join(fresh, name)), { recursive: true });
  writeFileSync(join(fresh, name), bytes);
}
rmSync(out, { recursive: true, force: true });
renameSync(fresh, out);

const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const wide = Math.max(...Object.keys(manifest).map((name) => name.length));
for (const logical of Object.keys(manifest).sort()) {
  const name = manifest[logical];
  console.log(`  ${logical.padEnd(wide)}  ${kb(files.get(name).length).padStart(11)}  ${kb(sizes.get(name)).padStart(10)} compressed`);
}
const firstLoad = FIRST_LOAD.reduce((sum, logical) => sum + (sizes.get(manifest[logical]) ?? 0), 0);
console.log(`  first load of /repositories ${kb(firstLoad)} without charts`);
if (release) {
  const wasm = WASM.reduce((sum, logical) => sum + sizes.get(manifest[logical]), 0);
  console.log(`  its WebAssembly ${kb(wasm)}`);
  if (wasm > WASM_BUDGET) throw new Error(`the WebAssembly is ${kb(wasm)} as brotli; its budget is ${kb(WASM_BUDGET)}`);
  if (firstLoad > FIRST_LOAD_BUDGET) throw new Error(`the first load is ${kb(firstLoad)}; its budget is ${kb(FIRST_LOAD_BUDGET)}`);
}
