"""What it costs to look: a sync round in which nothing is new, and discovery, counted at the forge."""

import datetime
import math
import os
import pathlib
import resource
import subprocess
import time

from forge import TOPICS, Forge, all_repositories, is_quiet, is_scanned, until
from measure import Server

REPOSITORIES = int(os.environ.get("KUBESTATS_BENCH_REPOSITORIES", 1_000))
FOUND = int(os.environ.get("KUBESTATS_BENCH_FOUND", 2_500))
# Small repositories on disk, which the forge serves under many names.
ON_DISK = 8


def small_repositories(folder: pathlib.Path, branches: int = 4) -> pathlib.Path:
    """A few branches, a few commits, a few manifests each."""
    names = ["next", "renovate/all", "renovate/major", *[f"renovate/container-image-{number}" for number in range(4, branches)]]
    root = folder / "forge"
    for number in range(ON_DISK):
        path = root / f"owner-{number}" / f"cluster-{number}.git"
        subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", str(path)], check=True)
        lines = []
        for commit in range(10):
            yaml = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-{number}\ndata:\n  value: \"{commit}\"\n"
            lines += ["commit refs/heads/main", f"committer Bench <bench@kubestats.invalid> {1_700_000_000 + commit * 86_400} +0000",
                      "data 6", "Commit", f"M 100644 inline apps/{commit % 4}.yaml", f"data {len(yaml)}", yaml]
        for branch in names[:branches - 1]:
            lines += [f"reset refs/heads/{branch}", "from refs/heads/main", ""]
        subprocess.run(["git", "--git-dir", str(path), "fast-import", "--quiet"], input="\n".join(lines).encode(), check=True)
    return root


def ls_remote(urls: list[str], within: float = 300) -> tuple[float, str]:
    """Processor seconds of `git ls-remote` for each, its own children included, and how that is called. One costs what another
    does: where there is no time for all, those that were asked stand for the others.
    """
    environment = dict(os.environ, GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null", GIT_TERMINAL_PROMPT="0")
    # Of children that were waited for, which are these alone.
    spent = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    end, before, asked = time.monotonic() + within, spent(), 0
    for url in urls:
        if asked and time.monotonic() > end:
            break
        subprocess.run(["git", "ls-remote", "--quiet", url], env=environment, stdout=subprocess.DEVNULL, timeout=60, check=True)
        asked += 1
    total = (spent() - before) * len(urls) / asked
    return total, f"`git ls-remote` for {'each' if asked == len(urls) else f'{asked:,} of them, taken to all'}, {total:.2f} s"


def sync(report, folder: pathlib.Path) -> None:
    root = small_repositories(folder)
    with Forge(root, invented=REPOSITORIES - ON_DISK) as forge, Server(folder, config=forge.config()) as server:
        server.json("/api/v1/repositories/discover", verb="POST")
        until("the first sync of all", 1_800, lambda: is_quiet(server), every=2)
        clones = server.peak_mb()
        # Nothing is listed meanwhile: each of ten connections to SQLite has a view of the file of its own, and the kernel
        # counts a page once for each that has looked at it.
        time.sleep(10)
        forge.forget()
        server.forget_peak()
        began, cpu = datetime.datetime.now(datetime.UTC), server.cpu_seconds()
        server.json("/api/v1/repositories/sync-all", verb="POST")
        # The forge is asked how far it is, so that asking costs the server nothing.
        until("the round", 600, lambda: forge.counters()["git_refs"] >= REPOSITORIES)
        until("the end of the round", 60, lambda: is_quiet(server), every=1)
        cpu, peak = server.cpu_seconds() - cpu, server.peak_mb()
        counters = forge.counters()
        after = all_repositories(server)
        synced = lambda one: is_scanned(one) and datetime.datetime.fromisoformat(one["last_sync_at"]) >= began
        stale = [one["full_name"] for one in after if not synced(one)]
        if stale or len(after) != REPOSITORIES:
            raise RuntimeError(f"{len(stale)} of {len(after)} repositories were not synced in the round: {stale[:3]}")
        theirs, by_git = ls_remote([one["url"] for one in after])
        report.row("sync", f"a sync round over {REPOSITORIES:,} repositories with nothing new, processor time", f"{cpu:.2f} s",
                   by_git, f"{theirs / cpu:.1f} times less", "5 times less", theirs / cpu >= 5)
        each = (counters["git"] + counters["api"]) / REPOSITORIES
        report.row("sync", "requests for each repository", f"{each:g}", "", "", "at most 1", each <= 1)
        report.row("sync", "quota spent on it", f"{counters['quota']}", "", "", "0", counters["quota"] == 0)
        report.row("sync", "memory, at most, in the round", f"{peak:.0f} MB", f"{clones:.0f} MB while all were found, cloned and replayed", "", "under 150 MB", peak < 150)


def least_searches(repositories: list[dict]) -> int:
    """Pages of 100 for each topic: nobody can ask less, and who gets past 1,000 results has to be clever."""
    return sum(max(1, math.ceil(sum(topic in one["topics"] for one in repositories) / 100)) for topic in TOPICS)


def discovery(report, folder: pathlib.Path) -> None:
    root = small_repositories(folder)
    # Of all that is found hardly anything is small enough to be cloned by itself: the search is what is measured.
    with Forge(root, invented=FOUND - ON_DISK, search_etags=True) as forge, Server(folder, config=forge.config(max_repository_mb=1)) as server:
        names = {one["full_name"] for one in forge.repositories()}
        least = least_searches(forge.repositories())
        searches = _run(forge, server)
        found = {one["full_name"] for one in all_repositories(server)}
        missing = len(names - found)
        report.row("discovery", f"discovery of {len(names):,} repositories, first run", f"{len(names) - missing:,} found", "", "", "all", missing == 0)
        report.row("discovery", "its searches", f"{len(searches)} requests", f"the least possible with pages of 100: {least}",
                   f"{100 * (len(searches) / least - 1):.0f} % more", "at most 10 % more", len(searches) <= least * 1.1)
        again = _run(forge, server)
        fresh = sum(status != 304 for status in again)
        report.row("discovery", "the second run, at a forge that tags its searches", f"{len(again) - fresh} of {len(again)} answers are 304", "", "",
                   "304s only", fresh == 0 and len(again) > 0)
        report.row("discovery", "memory, at most", f"{server.peak_mb():.0f} MB", "", "", "", None)


def _run(forge: Forge, server: Server) -> list[int]:
    """Statuses of the searches of one run."""
    forge.forget()
    last = lambda: server.json("/api/v1/discovery")["last"]
    before = last()
    server.json("/api/v1/repositories/discover", verb="POST")
    until("the run of discovery", 600, lambda: last() != before)
    until("the jobs after it", 900, lambda: is_quiet(server), every=2)
    return [request["status"] for request in forge.requests() if "/search/" in request["path"]]
