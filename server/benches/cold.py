"""Many real repositories at once, from nothing: found, cloned, replayed, stored."""

import json
import os
import pathlib
import subprocess
import time

from engine import CORPUS
from forge import Forge, all_repositories, is_quiet, is_scanned, until
from measure import PROGRAM, Server, run

WANTED = int(os.environ.get("KUBESTATS_BENCH_COLD", 100))


def cold(report, folder: pathlib.Path) -> None:
    if not (CORPUS / "manifest.json").exists():
        report.skip("cold", "no corpus in KUBESTATS_SHARED")
        return
    manifest = json.loads((CORPUS / "manifest.json").read_text())
    bare = {one["full_name"]: _clone(one, folder / "bundles") for one in manifest}
    singles = {one["full_name"]: _single(one, bare[one["full_name"]], folder) for one in manifest}
    root, copies = folder / "forge", {}
    for number in range(WANTED):
        one = manifest[number % len(manifest)]
        name = f"{one['owner']}-{number}/{one['name']}"
        (root / f"{one['owner']}-{number}").mkdir(parents=True)
        (root / f"{name}.git").symlink_to(bare[one["full_name"]])
        copies[name] = one
    plain, stored = (sum(singles[one["full_name"]][which] for one in copies.values()) for which in ("plain", "stored"))
    with Forge(root) as forge, Server(folder, config=forge.config()) as server:
        cpu, began = server.cpu_seconds(), time.perf_counter()
        server.json("/api/v1/repositories/discover", verb="POST")
        until("the last event", 1_800, lambda: sum(map(is_scanned, all_repositories(server))) >= WANTED, every=1)
        took, cpu = time.perf_counter() - began, server.cpu_seconds() - cpu
        until("the jobs after it", 300, lambda: is_quiet(server), every=1)
        found, peak = {one["full_name"]: one for one in all_repositories(server)}, server.peak_mb()
    wrong = [difference for name, one in copies.items() for difference in _differences(found.get(name), one, singles[one["full_name"]])]
    wrong += [difference for single in singles.values() for difference in single["wrong"]]
    for difference in wrong[:20]:
        print(f"         {difference}")
    events = sum(one["counts"]["events"] for one in found.values())
    report.row("cold", f"{WANTED} repositories of the corpus' size, cold, from discovery to the last of {events:,} events", f"{took:.1f} s", "", "", "", None)
    report.row("cold", "figures that differ from those counted independently", f"{len(wrong)}", f"{len(manifest)} bundles", "", "none", not wrong)
    report.row("cold", "processor time", f"{cpu:.2f} s", f"`kubestats history` for each, {plain:.2f} s", f"{cpu / plain:.1f} times", "at most 2 times", cpu / plain <= 2)
    report.row("cold", "the same against what stores as much", f"{cpu:.2f} s", f"`kubestats history --database` for each, {stored:.2f} s", f"{cpu / stored:.1f} times", "", None)
    report.row("cold", "memory, at most, pages of the database's file counted for each connection that read them", f"{peak:.0f} MB", "", "", "", None)


def _clone(one: dict, root: pathlib.Path) -> pathlib.Path:
    path = root / one["bundle"].replace(".bundle", ".git")
    subprocess.run(["git", "-c", "init.defaultBranch=main", "clone", "-q", "--mirror", str(CORPUS / one["bundle"]), str(path)], check=True)
    subprocess.run(["git", "--git-dir", str(path), "symbolic-ref", "HEAD", f"refs/heads/{one['default_branch']}"], check=True)
    return path


def _single(one: dict, path: pathlib.Path, folder: pathlib.Path) -> dict:
    """The program alone over one repository: what it costs, what it counts."""
    plain = run([PROGRAM, "history", str(path), "--format", "json"], times=3)
    figures = json.loads(plain.output)["history_events"]
    wrong = [f"{one['full_name']}: {name} is {figures[name]}, not {value}" for name, value in one["history_events"].items() if figures[name] != value]
    events = run([PROGRAM, "history", str(path), "--format", "json", "--events"]).output.splitlines()
    counted = sum(line.startswith(b'{"commit"') for line in events)

    def fresh() -> None:
        for file in folder.glob("single.db*"):
            file.unlink()

    stored = run([PROGRAM, "history", str(path), "--format", "json", "--database", f"sqlite:{folder / 'single.db'}"], times=2, before=fresh)
    return {"plain": plain.cpu_seconds, "stored": stored.cpu_seconds, "events": counted, "wrong": wrong}


def _differences(found: dict | None, one: dict, single: dict) -> list[str]:
    """What the server shows of a copy against the manifest; events against the program alone, whose own figures are checked."""
    if found is None:
        return [f"{one['full_name']}: a copy was not found"]
    counts, expected = found["counts"], one["expected"]
    pairs = {
        "the scanned commit": (found["scanned_commit"], one["head_commit"]),
        "YAML files": (counts["yaml_files"], expected["yaml_files"]),
        "resources": (counts["active_resources"], expected["kubernetes_documents_list_expanded"]),
        "HelmReleases": (counts["helm_releases"], expected["helmreleases"]),
        "events": (counts["events"], single["events"]),
    }
    return [f"{found['full_name']}: {what}: {ours}, not {theirs}" for what, (ours, theirs) in pairs.items() if ours != theirs]
