// The program in a root file system that holds nothing else: `node bare.mjs PROGRAM CONTAINERFILE`.
//
// It gets what it is linked to, which has to be what the image of the container file has, the certificates that are installed
// there, and a folder for its data. All but that folder is read only; there is no shell, no /tmp, no /etc/passwd. It has to
// serve, to make its database, and to scan its samples. HTTPS trusts whom the system trusts, none are built in: without any it
// has to say what it lacks and to end. No privileges are needed where user namespaces are permitted; where they are not, that
// is said, and the exit code is 77.

import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 30_000;
const SAMPLES = 3;
const NOT_LOOKED_AT = 77;
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
/** What Debian's smallest image has of what programs are linked to. */
const IN_IMAGE = /^(ld-linux[\w-]*|lib(c|m|dl|rt|pthread|gcc_s))\.so\.\d+$/;
const ISOLATED = ["--user", "--map-root-user", "--mount", "sh", "-c"];
const ENTER = `set -eu
PATH=$PATH:/usr/sbin:/sbin
root=$1 data=$2 kept=$3
shift 3
mount --bind "$root" "$root"
mount --bind "$data" "$root/data"
mount -o "remount,bind,ro$kept" "$root"
if touch "$root/written" 2>/dev/null; then echo "the root can be written" >&2; exit 1; fi
exec env -i KUBESTATS_APP_DATA_DIR=/data KUBESTATS_APP_LISTEN=127.0.0.1:0 \
  "$(command -v chroot)" "$root" /usr/local/bin/kubestats "$@"`;

const [program, containerfile] = process.argv.slice(2).map((word) => realpathSync(word));
// Beside the program: what lies there can be executed, and is linked rather than copied.
const folder = mkdtempSync(join(dirname(program), "bare-"));
const children = [];

/** Files that the program is linked to. */
function libraries() {
  const { stdout, stderr, status } = spawnSync("ldd", [program], { encoding: "utf8" });
  if (/not a dynamic executable|statically linked/.test(stdout + stderr)) return [];
  if (status !== 0 || /not found/.test(stdout)) throw new Error(`ldd: ${stdout}${stderr}`);
  const files = stdout.match(/(?<=\s)\/\S+(?= \(0x)/g) ?? [];
  const others = files.filter((file) => !IN_IMAGE.test(file.split("/").at(-1)));
  if (others.length > 0) throw new Error(`it is linked to what the image of deploy/Containerfile does not have: ${others.join(", ")}`);
  return files;
}

/** Puts a file at its place in a root; links of the system lead out of the root, and what they lead to is what is wanted. */
function put(file, root) {
  mkdirSync(join(root, dirname(file)), { recursive: true });
  copyFileSync(file, join(root, file));
}

/** A root with a folder for data beside it. */
function makeRoot(name, withCertificates) {
  const [root, data] = [join(folder, name), join(folder, `${name}-data`)];
  for (const made of [join(root, "data"), join(root, "usr/local/bin"), data]) mkdirSync(made, { recursive: true });
  // It is large, and the folder is on the same disk.
  linkSync(program, join(root, "usr/local/bin/kubestats"));
  for (const file of libraries()) put(file, root);
  if (withCertificates) put(CERTIFICATES, root);
  // A namespace may not take these from a mount.
  const { stdout } = spawnSync("findmnt", ["-no", "OPTIONS", "--target", root], { encoding: "utf8" });
  const kept = (stdout ?? "").trim().split(",").filter((flag) => ["nosuid", "nodev", "noexec", "noatime", "relatime"].includes(flag));
  return [root, data, kept.map((flag) => `,${flag}`).join("")];
}

/** The program, started in a root; what it says, and how it ends. */
function start(place, ...args) {
  const child = spawn("unshare", [...ISOLATED, ENTER, "sh", ...place, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const started = { child, said: "", ended: undefined };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (started.said += text));
  child.on("close", (code, signal) => (started.ended = code ?? signal));
  child.on("error", (error) => (started.ended = error.message));
  children.push(child);
  return started;
}

async function until(what, started, ask) {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const found = await ask();
    if (found) return found;
    if (started.ended !== undefined) break;
    await sleep(100);
  }
  throw new Error(`${what}: not there; it ended with ${started.ended ?? "nothing yet"} and said:\n${started.said.slice(-3000)}`);
}

function expect(is, what) {
  if (!is) throw new Error(what);
}

async function serves() {
  const place = makeRoot("root", true);
  const server = start(place, "serve");
  const base = await until("an address", server, () => /serving (http:\/\/[\d.:]+)/.exec(server.said)?.[1]);
  const get = (path) => fetch(base + path, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const live = await get("/health/live");
  expect(live.status === 200, `/health/live answers ${live.status}`);
  const page = await get("/repositories");
  const text = await page.text();
  expect(page.status === 200 && text.includes("<html") && text.includes("Kubestats"), `/repositories answers ${page.status}: ${text.slice(0, 300)}`);
  await until("scanned samples", server, async () => {
    const { data } = await (await get("/api/v1/repositories/")).json();
    return data.length >= SAMPLES && data.every(({ scan_status, scanned_commit }) => scan_status === "success" && scanned_commit);
  });
  const begin = readFileSync(join(place[1], "kubestats.db")).subarray(0, 15).toString();
  expect(begin === "SQLite format 3", "it made no database");
  server.child.kill("SIGTERM");
  await until("its end", server, () => server.ended !== undefined);
  expect(server.ended === 0, `it ended with ${server.ended} when it was told to stop:\n${server.said.slice(-3000)}`);
}

async function saysThatItLacksCertificates() {
  const lacking = start(makeRoot("without", false), "serve");
  await until("its end without certificates", lacking, () => lacking.ended !== undefined || lacking.said.includes("serving http"));
  expect(lacking.ended === 1 && lacking.said.includes("ca-certificates"),
    `without certificates it should say that it lacks them, and end; it ended with ${lacking.ended ?? "nothing yet"} and said:\n${lacking.said.slice(-3000)}`);
}

try {
  const probe = join(folder, "probe");
  mkdirSync(probe);
  if (spawnSync("unshare", [...ISOLATED, 'mount --bind "$1" "$1"', "sh", probe]).status !== 0) {
    console.error("user namespaces are not permitted on this machine: the program in an empty root file system is NOT LOOKED AT");
    process.exitCode = NOT_LOOKED_AT;
  } else {
    const installed = readFileSync(containerfile, "utf8").replaceAll("\\\n", " ");
    expect(/apt-get install[^&\n]*\sca-certificates\b/.test(installed), `${containerfile} installs no ca-certificates, which HTTPS needs`);
    expect(existsSync(CERTIFICATES), `there is no ${CERTIFICATES} here; install ca-certificates`);
    const began = Date.now();
    await serves();
    await saysThatItLacksCertificates();
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    console.log(`in an empty root file system the program serves, and scans its samples; HTTPS trusts the system's certificates alone (${seconds} s)`);
  }
} catch (error) {
  console.error(`in an empty root file system: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
