"""`kubestats scan` and `history` against what one would use otherwise and against git's own floor."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from measure import PROGRAM, Server, run

CORPUS = pathlib.Path(os.environ["KUBESTATS_SHARED"]) / "corpus"
LONG = "onedr0p__home-ops-full"


def git(*arguments: str, cwd: pathlib.Path | None = None, stdin: bytes | None = None) -> bytes:
    return subprocess.run(["git", *arguments], cwd=cwd, input=stdin, check=True, capture_output=True).stdout


def clone(bundle: pathlib.Path, into: pathlib.Path, bare: bool = True) -> pathlib.Path:
    git("clone", "-q", *(["--bare"] if bare else []), str(bundle), str(into))
    return into


def scan(report, folder: pathlib.Path) -> None:
    bundles = sorted(CORPUS.glob("*.bundle"))
    if not bundles:
        report.skip("scan", "no corpus in KUBESTATS_SHARED")
        return
    repositories = [clone(b, folder / b.stem) for b in bundles]
    # The counter's own clock over the same blobs, parsing alone; ours reads them from Git and counts them as well.
    counted = [json.loads(subprocess.run(["python3", str(CORPUS / "count.py"), "--git-dir", str(r), "--time"],
                                         check=True, capture_output=True).stdout) for r in repositories for _ in range(2)]
    theirs = sum(min(a["timing"]["csafeloader_s"], b["timing"]["csafeloader_s"]) for a, b in zip(counted[::2], counted[1::2]))
    ours = run([PROGRAM, "scan", *map(str, repositories), "--threads", "1", "--format", "json"], times=9)
    figures = json.loads(ours.output)
    files, mb = sum(f["yaml_files"] for f in figures), sum(f["yaml_bytes"] for f in figures) / 1e6
    report.row("scan", f"`kubestats scan`, one thread, {len(bundles)} repositories, {files} files, {mb:.1f} MB, start of the program included",
               f"{ours.seconds * 1e3:.0f} ms", f"count.py's CSafeLoader pass over the same files, {theirs * 1e3:.0f} ms",
               f"{theirs / ours.seconds:.1f} times faster", "10 times", theirs / ours.seconds >= 10)


def uses(report, folder: pathlib.Path) -> None:
    bundles = sorted(CORPUS.glob("*.bundle"))
    if not bundles:
        report.skip("uses", "no corpus in KUBESTATS_SHARED")
        return
    repositories = [str(clone(b, folder / b.stem)) for b in bundles]
    # A repository each time, as the counter takes them: both start as often.
    ours = [run([PROGRAM, "uses", r, "--threads", "1", "--format", "json"], times=5) for r in repositories]
    theirs = sum(run(["python3", str(CORPUS / "uses.py"), "--git-dir", r], times=2).seconds for r in repositories)
    found = [json.loads(one.output)["figures"] for one in ours]
    seconds, count = sum(one.seconds for one in ours), sum(figures["chart_uses"] for figures in found)
    report.row("uses", f"`kubestats uses`, one thread, {len(bundles)} repositories one after the other, {count} uses of charts, starts included",
               f"{seconds * 1e3:.0f} ms", f"uses.py for each, {theirs * 1e3:.0f} ms", f"{theirs / seconds:.1f} times faster", "20 times",
               theirs / seconds >= 20)


def floor(repository: pathlib.Path) -> float:
    """What git itself needs to list every change and to read every YAML blob that the replay reads."""
    log = ["git", "--git-dir", str(repository), "log", "--first-parent", "--raw", "--no-abbrev", "--no-renames", "--root", "-m", "--format=%H", "HEAD"]
    listed = run(log, times=3)
    blobs = set()
    for line in listed.output.split(b"\n"):
        if line.startswith(b":"):
            meta, _, path = line.partition(b"\t")
            path = path.strip(b'"')
            if path.endswith((b".yaml", b".yml")):
                fields = meta.split()
                for mode, name in ((fields[0][1:], fields[2]), (fields[1], fields[3])):
                    if mode.startswith(b"100"):
                        blobs.add(name)
    names = b"\n".join(sorted(blobs)) + b"\n"
    read = run(["git", "--git-dir", str(repository), "cat-file", "--batch", "--buffer"], times=3, stdin=names, keep=False)
    return listed.seconds + read.seconds


def history(report, folder: pathlib.Path) -> None:
    bundle = CORPUS / "history" / f"{LONG}.bundle"
    if not bundle.exists():
        report.skip("history", "no long history in KUBESTATS_SHARED")
        return
    repository = clone(bundle, folder / "long.git")
    commits = int(git("--git-dir", str(repository), "rev-list", "--first-parent", "--count", "HEAD"))
    ground = floor(repository)
    against = f"git's floor (`git log --raw`, `git cat-file --batch`), {ground:.2f} s"
    ours = run([PROGRAM, "history", str(repository), "--format", "json"], times=3)
    report.row("history", f"`kubestats history`, {commits:,} commits", f"{ours.seconds:.2f} s", against,
               f"{ours.seconds / ground:.1f} times", "at most 5 times", ours.seconds / ground <= 5)
    report.row("history", "its memory", f"{ours.peak_mb:.0f} MB", "", "", "under 400 MB", ours.peak_mb < 400)
    database = folder / "history.db"

    def fresh() -> None:
        for file in folder.glob("history.db*"):
            file.unlink()

    if "--database" not in run([PROGRAM, "history", "--help"]).output.decode():
        report.skip("history", "`kubestats history` knows no --database")
        return
    stored = run([PROGRAM, "history", str(repository), "--format", "json", "--database", f"sqlite:{database}"], times=2, before=fresh)
    report.row("history", "the same, everything written to SQLite", f"{stored.seconds:.2f} s", against,
               f"{stored.seconds / ground:.1f} times", "at most 8 times", stored.seconds / ground <= 8)
    report.row("history", "its memory", f"{stored.peak_mb:.0f} MB", "", "", "under 400 MB", stored.peak_mb < 400)
    size = sum(f.stat().st_size for f in folder.glob("history.db*")) / 1e6
    if size < 1:
        report.drop(2)
        report.skip("history", "--database left no database, so its time says nothing")
        return
    report.row("history", "the database it leaves", f"{size:.0f} MB", "", "", "", None)


def commit(report, folder: pathlib.Path) -> None:
    """One new commit on the long history: pushed to the remote, then asked for; until the new head is scanned."""
    bundle = CORPUS / "history" / f"{LONG}.bundle"
    if not bundle.exists():
        report.skip("commit", "no long history in KUBESTATS_SHARED")
        return
    origin = clone(bundle, folder / "origin.git")
    branch = git("--git-dir", str(origin), "symbolic-ref", "HEAD").decode().strip()
    config = (f"repositories:\n  - url: file://{origin}\n    name: bench/long\n"
              "security:\n  allow_local_repositories: true\npolling:\n  interval: 24h\nscan:\n  max_repository_size_mb: 1000\n")
    began = time.perf_counter()
    with Server(folder, config=config) as server:
        def scanned() -> dict:
            data = server.json("/api/v1/repositories/")["data"]
            return data[0] if data else {}

        until = time.time() + 600
        head = git("--git-dir", str(origin), "rev-parse", branch).decode().strip()
        done = lambda r: r.get("scanned_commit") == head and r.get("scan_status") == "success"
        while not done(scanned()):
            time.sleep(0.05)
            if time.time() > until:
                raise RuntimeError(f"the history is not scanned: {scanned()}")
        identity = scanned()["id"]
        report.row("commit", "the whole history through the server: started, cloned, replayed, written to SQLite",
                   f"{time.perf_counter() - began:.1f} s", "", "", "", None)
        times, theirs = [], []
        other = clone(bundle, folder / "other.git")
        for n in range(10):
            new = next_commit(origin, branch, n)
            start = time.perf_counter()
            server.json(f"/api/v1/repositories/{identity}/sync", verb="POST")
            while server.json(f"/api/v1/repositories/{identity}")["scanned_commit"] != new:
                time.sleep(0.001)
                if time.perf_counter() - start > 60:
                    raise RuntimeError("the new commit does not appear")
            times.append(time.perf_counter() - start)
            theirs.append(run(["git", "--git-dir", str(other), "fetch", "--quiet", "--no-auto-maintenance", f"file://{origin}", branch]).seconds)
        # Git's quickest: what the server does after a scan must not make its own share look small.
        middle, fetch = sorted(times)[len(times) // 2] * 1000, min(theirs) * 1000
        report.row("commit", "one new commit on that repository, asked for, fetched, replayed and visible (median of 10)",
                   f"{middle:.0f} ms", f"`git fetch` of it, {fetch:.0f} ms", f"{middle - fetch:.0f} ms of ours", "under 50 ms of ours", middle - fetch < 50)


def next_commit(origin: pathlib.Path, branch: str, n: int) -> str:
    """Bumps something in one HelmRelease of the head, without a working tree."""
    at = lambda *a, stdin=None: git("--git-dir", str(origin), *a, stdin=stdin).decode().strip()
    paths = [p for p in at("ls-tree", "-r", "--name-only", branch).splitlines() if p.endswith("/helmrelease.yaml")]
    path = paths[n % len(paths)]
    text = git("--git-dir", str(origin), "show", f"{branch}:{path}").decode()
    blob = at("hash-object", "-w", "--stdin", stdin=text.replace("spec:\n", f"spec:\n  maxHistory: {n + 2}\n", 1).encode())
    environment = dict(os.environ, GIT_INDEX_FILE=str(origin / "bench-index"), GIT_AUTHOR_NAME="bench", GIT_AUTHOR_EMAIL="bench@kubestats.invalid",
                       GIT_COMMITTER_NAME="bench", GIT_COMMITTER_EMAIL="bench@kubestats.invalid")
    do = lambda *a: subprocess.run(["git", "--git-dir", str(origin), *a], env=environment, check=True, capture_output=True).stdout.decode().strip()
    do("read-tree", branch)
    do("update-index", "--cacheinfo", f"100644,{blob},{path}")
    new = do("commit-tree", do("write-tree"), "-p", do("rev-parse", branch), "-m", f"Change {path}")
    do("update-ref", branch, new)
    return new


def clean(folder: pathlib.Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def temporary() -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix="kubestats-bench-"))
