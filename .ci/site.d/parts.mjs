// The parts that the WebAssembly was cut into, one file for each lazy page: browsers then ask once, not once for each of
// the twenty parts that a page shares with other pages.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import binaryen from "binaryen";

/** Features that browsers with modules and top-level await have; the compiler uses no others. */
export const FEATURES = ["reference-types", "bulk-memory", "bulk-memory-opt", "mutable-globals", "sign-ext",
  "nontrapping-float-to-int", "multivalue"];

// Put into the glue that wasm-split wrote. A page's loader asks for its parts as soon as it is called, before it awaits
// anything, so `offered` is that page's file then. A file that does not come in time can't be had: the page is loaded whole.
const RUNTIME = `
let offered;
function offer(file, at, load) {
    return () => {
        const bytes = fetch(new URL(file, import.meta.url), { signal: AbortSignal.timeout(10_000) }).then((answer) => {
            if (!answer.ok) throw new Error(answer.url + ": " + answer.status);
            return answer.arrayBuffer();
        });
        bytes.catch(() => {});
        offered = { bytes, at };
        return load();
    };
}
function part(name) {
    const { bytes, at } = offered;
    return bytes.then((all) => new Uint8Array(all, ...at[name]));
}
`;

/** As wasm-opt -Oz --strip-debug, in this process: there are many parts, and starting wasm-opt takes seconds. */
function optimise(bytes) {
  const features = binaryen.Features;
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(2);
  binaryen.setDebugInfo(false);
  const module = binaryen.readBinary(bytes);
  module.setFeatures(features.ReferenceTypes | features.BulkMemory | features.BulkMemoryOpt | features.MutableGlobals |
    features.SignExt | features.NontrappingFPToInt | features.Multivalue);
  module.optimize();
  const optimised = module.emitBinary();
  module.dispose();
  return optimised;
}

/**
 * Joins each page's parts and rewrites the glue to read them. `add(page, bytes)` stores a page's file and gives its name.
 * Gives back the glue.
 */
export function joinParts(folder, release, add) {
  const parts = new Map();
  const read = (name) => {
    if (!parts.has(name)) {
      const bytes = readFileSync(join(folder, `${name}.wasm`));
      parts.set(name, release ? optimise(bytes) : bytes);
    }
    return parts.get(name);
  };
  const offers = new Map();
  for (const [split, names] of Object.entries(JSON.parse(readFileSync(join(folder, "parts.json"), "utf8")))) {
    const at = {};
    let length = 0;
    for (const name of names) {
      at[name] = [length, read(name).length];
      length += read(name).length;
    }
    offers.set(split, [add(split, Buffer.concat(names.map(read))), at]);
  }

  let glue = readFileSync(join(folder, "split.js"), "utf8");
  const change = (pattern, replacement, times) => {
    let changed = 0;
    glue = glue.replace(pattern, (...match) => { changed += 1; return replacement(...match); });
    if (changed !== times) throw new Error(`the glue of wasm-split has ${changed} of ${times} places to change: ${pattern}`);
  };
  change(/fetch\(new URL\("\.\/(\w+)\.wasm", import\.meta\.url\)\)/g, (_, name) => `part("${name}")`, parts.size);
  change(/WebAssembly\.instantiateStreaming\(src, imports\)/g, () => "WebAssembly.instantiate(await src, imports)", parts.size);
  change(/(export const __wasm_split_load_(\w+) = wrapAsyncCb\()(makeLoad\([\s\S]*?, \[[\w, ]*\]\))\);/g, (_, start, split, load) => {
    const [file, at] = offers.get(split);
    return `${start}offer(${JSON.stringify(`./${file}`)}, ${JSON.stringify(at)}, ${load}));`;
  }, offers.size);
  return glue + RUNTIME;
}
