"""A round of looks at many watched repositories in which nothing is new, against the same round where nobody watches."""

import dataclasses
import datetime
import os
import pathlib
import time

from forge import Forge, NotInTime, all_repositories, is_quiet, is_scanned, until, work_left
from measure import Server
from rounds import ON_DISK, ls_remote, small_repositories

REPOSITORIES = int(os.environ.get("KUBESTATS_BENCH_REPOSITORIES", 1_000))
BRANCHES = 20
ROUNDS = 3
# Seconds that each phase is waited for. All of them are about five minutes on two cores, and each takes as long as there are
# repositories; what takes longer waits for something, such as another try of a sync that failed.
PATIENCE = 300


@dataclasses.dataclass
class Round:
    seconds: float
    cpu: float
    peak_mb: float
    resident_mb: float
    requests: float
    quota: int


def polls(report, folder: pathlib.Path) -> None:
    what = f"a poll round over {REPOSITORIES:,} repositories of {BRANCHES} branches with nothing new, watched (best of {ROUNDS})"
    try:
        plain, watched, theirs, by_git = _measured(folder)
    except NotInTime as why:
        report.row("polls", what, f"not measured: {why}", "", "", f"{PATIENCE} s for each phase", False)
        return
    report.row("polls", f"{what}, wall time", f"{watched.seconds:.2f} s", f"the same, not watched, {plain.seconds:.2f} s",
               f"{watched.seconds / plain.seconds:.2f} times", "", None)
    report.row("polls", "its processor time", f"{watched.cpu:.2f} s", f"the same, not watched, {plain.cpu:.2f} s", f"{watched.cpu / plain.cpu:.2f} times", "", None)
    report.row("polls", "the same against git", f"{watched.cpu:.2f} s", by_git,
               f"{theirs / watched.cpu:.1f} times less", "5 times less", theirs / watched.cpu >= 5)
    report.row("polls", "requests for each repository", f"{watched.requests:g}", f"not watched, {plain.requests:g}", "", "at most 1", watched.requests <= 1)
    report.row("polls", "quota spent on it", f"{watched.quota}", "", "", "0", watched.quota == 0)
    report.row("polls", f"memory, at most, in the round ({watched.resident_mb:.0f} MB after it)", f"{watched.peak_mb:.0f} MB", f"not watched, {plain.peak_mb:.0f} MB", "",
               "under 150 MB", watched.peak_mb < 150)


def _measured(folder: pathlib.Path) -> tuple[Round, Round, float, str]:
    """The rounds where nobody watches and where all are watched, and what Git takes for the same."""
    root = small_repositories(folder, branches=BRANCHES)
    with Forge(root, invented=REPOSITORIES - ON_DISK) as forge:
        config = forge.config()
        with Server(folder, config=config) as server:
            server.json("/api/v1/repositories/discover", verb="POST")
            until("the first sync of all", PATIENCE, lambda: is_quiet(server), every=2, left=lambda: work_left(server))
        # Each on a server that was just started: what others read before would count as its memory.
        with Server(folder, config=config) as server:
            plain = _best([_round(forge, server) for _ in range(ROUNDS)])
        with Server(folder, config=config) as server:
            found = all_repositories(server)
            if len(found) != REPOSITORIES or not all(map(is_scanned, found)):
                raise RuntimeError(f"{sum(map(is_scanned, found))} of {len(found)} repositories were synced, and {REPOSITORIES} should be there")
            _watch(server, found)
            until("the first look at all", PATIENCE, lambda: is_quiet(server), every=2, left=lambda: work_left(server))
            seen = server.json("/api/v1/branches?watched=true&limit=1")["count"]
            if seen != REPOSITORIES * BRANCHES:
                raise RuntimeError(f"{seen:,} branches are watched instead of {REPOSITORIES * BRANCHES:,}")
        with Server(folder, config=config) as server:
            began = datetime.datetime.now(datetime.UTC)
            watched = _best([_round(forge, server) for _ in range(ROUNDS)])
            events = server.json("/api/v1/branch-events?limit=1")["count"]
            stale = [one["full_name"] for one in all_repositories(server) if not is_scanned(one) or datetime.datetime.fromisoformat(one["last_sync_at"]) < began]
        if stale or events:
            raise RuntimeError(f"{len(stale)} repositories were not synced, and {events} events came of nothing: {stale[:3]}")
        return plain, watched, *ls_remote([one["url"] for one in found], PATIENCE)


def _watch(server: Server, repositories: list[dict]) -> None:
    end = time.monotonic() + PATIENCE
    for place, one in enumerate(repositories):
        if time.monotonic() > end:
            raise NotInTime(f"{place:,} of {len(repositories):,} repositories were watched within {PATIENCE} s")
        server.json(f"/api/v1/repositories/{one['id']}/watch", verb="PUT", body={"is_enabled": True})


def _round(forge: Forge, server: Server) -> Round:
    """One round over all. Nothing is listed before or in it: what has been read of the database's file counts as memory."""
    # Signing in takes memory of its own.
    server.access_token()
    time.sleep(10)
    forge.forget()
    server.forget_peak()
    began, cpu = datetime.datetime.now(datetime.UTC), server.cpu_seconds()
    server.json("/api/v1/repositories/sync-all", verb="POST")
    looked = lambda: forge.counters()["git_refs"]
    until("the round", PATIENCE, lambda: looked() >= REPOSITORIES,
          left=lambda: f"{looked():,} of {REPOSITORIES:,} repositories were looked at; {work_left(server)}")
    until("the end of the round", 60, lambda: is_quiet(server), every=1, left=lambda: work_left(server))
    cpu, peak, resident = server.cpu_seconds() - cpu, server.peak_mb(), server.resident_mb()
    counters, requests = forge.counters(), forge.requests()
    asked = {one["path"] for one in requests if one["path"].endswith("/git-upload-pack")}
    if len(asked) != REPOSITORIES:
        raise RuntimeError(f"{len(asked)} of {REPOSITORIES} repositories were looked at in the round")
    # The forge's clock is this machine's.
    last = max(datetime.datetime.fromisoformat(one["at"]) for one in requests)
    return Round((last - began).total_seconds(), cpu, peak, resident, (counters["git"] + counters["api"]) / REPOSITORIES, counters["quota"])


def _best(rounds: list[Round]) -> Round:
    """The least time, and the most of all else."""
    most = lambda name: max(getattr(one, name) for one in rounds)
    return Round(min(one.seconds for one in rounds), min(one.cpu for one in rounds), most("peak_mb"), most("resident_mb"), most("requests"), most("quota"))
