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
// Which parts a file has is told by how many are left out, how many follow, and so on: a place for each in each of the files
// would take more than what else is loaded first.
const RUNTIME = `
let offered;
function offer(file, runs, load) {
    return () => {
        const at = [];
        let number = 0, place = 0;
        for (let i = 0; i < runs.length; i += 2) {
            number += runs[i];
            for (const end = number + runs[i + 1]; number < end; number++) {
                at[number] = [place, SIZES[number]];
                place += SIZES[number];
            }
        }
        const bytes = fetch(new URL(file, import.meta.url), { signal: AbortSignal.timeout(10_000) }).then((answer) => {
            if (!answer.ok) throw new Error(answer.url + ": " + answer.status);
            return answer.arrayBuffer();
        });
        bytes.catch(() => {});
        offered = { bytes, at };
        return load();
    };
}
function part(number) {
    const { bytes, at } = offered;
    return bytes.then((all) => new Uint8Array(all, ...at[number]));
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
  const pages = Object.entries(JSON.parse(readFileSync(join(folder, "parts.json"), "utf8")));
  const names = [...new Set(pages.flatMap(([, names]) => names))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const number = new Map(names.map((name, place) => [name, place]));
  const bytes = names.map((name) => {
    const read = readFileSync(join(folder, `${name}.wasm`));
    return release ? optimise(read) : read;
  });
  const offers = new Map();
  for (const [page, names] of pages) {
    const numbers = names.map((name) => number.get(name)).sort((a, b) => a - b);
    const runs = [];
    let end = 0;
    for (const one of numbers) {
      if (one === end && runs.length > 0) runs[runs.length - 1] += 1;
      else runs.push(one - end, 1);
      end = one + 1;
    }
    offers.set(page, [add(page, Buffer.concat(numbers.map((one) => bytes[one]))), runs]);
  }

  let glue = readFileSync(join(folder, "split.js"), "utf8");
  const change = (pattern, replacement, times) => {
    let changed = 0;
    glue = glue.replace(pattern, (...match) => { changed += 1; return replacement(...match); });
    if (changed !== times) throw new Error(`the glue of wasm-split has ${changed} of ${times} places to change: ${pattern}`);
  };
  change(/fetch\(new URL\("\.\/(\w+)\.wasm", import\.meta\.url\)\)/g, (_, name) => `part(${number.get(name)})`, names.length);
  change(/WebAssembly\.instantiateStreaming\(src, imports\)/g, () => "WebAssembly.instantiate(await src, imports)", names.length);
  change(/(export const __wasm_split_load_(\w+) = wrapAsyncCb\()(makeLoad\([\s\S]*?, \[[\w, ]*\]\))\);/g, (_, start, split, load) => {
    const [file, runs] = offers.get(split);
    return `${start}offer(${JSON.stringify(`./${file}`)}, ${JSON.stringify(runs)}, ${load}));`;
  }, offers.size);
  return `${glue}const SIZES = ${JSON.stringify(bytes.map(({ length }) => length))};${RUNTIME}`;
}
