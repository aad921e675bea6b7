"""A server on a large generated database, SQLite and PostgreSQL: latency of lists, memory, start-up; sizes of what is shipped."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
from datetime import date, timedelta
from urllib.parse import quote

import postgres
from load import steady
from measure import PROGRAM, Server, run

GENERATE = os.environ["KUBESTATS_GENERATE"]
SITE = pathlib.Path(os.environ["KUBESTATS_SITE"])
# How many repositories, resources and events; the generator's own numbers where nothing is said.
SCALE = os.environ.get("KUBESTATS_BENCH_SCALE", "").split()
LIGHTHOUSE = pathlib.Path(__file__).with_name("lighthouse")


def serving(report, folder: pathlib.Path) -> None:
    (folder / "data").mkdir()
    database = f"sqlite:{folder / 'data' / 'kubestats.db'}"
    print(run([GENERATE, database, *SCALE]).output.decode().strip(), file=sys.stderr)
    _engine(report, folder, "SQLite", database)
    other = folder / "postgres"
    other.mkdir()
    postgres.measure(report, "serving", __file__, str(other), reads_only=True)


def _engine(report, folder: pathlib.Path, engine: str, database: str) -> None:
    with Server(folder, database=database) as server:
        report.row("serving", f"ready after start, {engine}", f"{server.ready_seconds * 1000:.0f} ms", "", "", "under 500 ms", server.ready_seconds < 0.5)
        server.call_off()
        time.sleep(10)
        idle = server.resident_mb()
        report.row("serving", f"idle memory, {engine}", f"{idle:.0f} MB", "", "", "under 80 MB", idle < 80)
        repository = server.json("/api/v1/repositories/?limit=1")["data"][0]["id"]
        lists = {
            "REST lists": ["/api/v1/repositories/?limit=25", f"/api/v1/repositories/{repository}/events?limit=25", "/api/v1/kubernetes/resources?limit=25",
                           "/api/v1/kubernetes/resources?kind=HelmRelease&limit=25"],
            "REST lists, deep pages": ["/api/v1/kubernetes/resources?skip=90000&limit=25", f"/api/v1/repositories/{repository}/events?skip=3900&limit=25", "/api/v1/repositories/?skip=225&limit=25"],
            "list pages": ["/repositories", "/resources", "/resources?kind=HelmRelease", f"/repositories/{repository}?tab=events", "/"],
            "list pages, deep": ["/resources?page=3601", "/repositories?page=9"],
            "`/`, years of days": ["/"],
            "`/ecosystem`, years of days": ["/ecosystem", *[f"/ecosystem?range={name}" for name in ("7d", "90d", "1y", "all")]],
        }
        lists |= _uses(server)
        known = {path: server.get(path)[0] for paths in lists.values() for path in paths}
        for name, paths in lists.items():
            paths = [p for p in paths if known[p] == 200]
            if not paths:
                report.skip("serving", f"{name}: none of them answers")
                continue
            for path in paths:
                server.get(path)
            try:
                middle, slow = steady(server.port, paths)
            except TimeoutError:
                report.row("serving", f"{name}, {engine}, 50 requests/s, p95", "did not keep up", "", "", "under 30 ms", False)
                # What was asked and not waited for is done before anything else is measured.
                time.sleep(20)
                continue
            report.row("serving", f"{name}, {engine}, 50 requests/s, p95 (median {middle:.1f} ms)", f"{slow:.1f} ms", "", "", "under 30 ms", slow < 30)
        after, own = server.resident_mb(), server.resident_mb("RssAnon:")
        report.row("serving", f"memory after those requests, {engine}", f"{after:.0f} MB, of which {own:.0f} MB are not the database's file", "", "", "", None)
        missing = sorted(p for p, status in known.items() if status != 200)
        if missing:
            report.skip("serving", f"these do not answer 200: {', '.join(missing)}")


def _uses(server) -> dict[str, list[str]]:
    """Pages of what is used, of the chart and the image that most use: by group, now and as of a year ago."""
    charts, images = server.json("/api/v1/charts?limit=1")["data"], server.json("/api/v1/images?limit=1")["data"]
    if not charts or not images:
        return {}
    of = f"/api/v1/charts/{charts[0]['id']}"
    chart = "charts/" + quote(charts[0]["key"].replace("//", "/-/", 1))
    path = quote(server.json(f"{of}/values?limit=1")["data"][0]["path"], safe="")
    users = list(dict.fromkeys(release["repository_id"] for release in server.json(f"{of}/releases?limit=100")["data"]))[:3]
    pages = {
        "`/charts`": ["/charts", "/charts?sort=change", "/charts?text=a"],
        "a chart": [f"/{chart}"],
        "a chart's values": [f"/{chart}?tab=values", f"/{chart}?tab=values&path={path}"],
        "who uses a chart, upgrades": [f"/{chart}?tab=users", f"/{chart}?tab=upgrades"],
        "`/images`, an image": ["/images", f"/images/{quote(images[0]['name'])}"],
        "values side by side": [f"/compare/{chart}?repositories={','.join(users)}"],
    }
    year_ago = date.today() - timedelta(days=365)
    then = {f"{name}, a year ago": [f"{page}{'&' if '?' in page else '?'}at={year_ago}" for page in group] for name, group in pages.items()}
    return pages | then


def site(report, folder: pathlib.Path) -> None:
    size = pathlib.Path(PROGRAM).stat().st_size / 1e6
    report.row("site", "the program, with the site inside", f"{size:.1f} MB", "", "", "under 60 MB", size < 60)
    manifest = json.loads((SITE / "manifest.json").read_text())
    sent = lambda logical: (lambda f: (f.with_name(f.name + ".br") if f.with_name(f.name + ".br").exists() else f).stat().st_size)(SITE / manifest[logical])
    # What the build refuses to pass; said there alone.
    build = (pathlib.Path(__file__).resolve().parents[2] / ".ci/site.d/build.mjs").read_text()
    budget = lambda name: int(re.search(rf"^const {name} = ([0-9_]+);", build, re.MULTILINE)[1]) / 1000
    wasm_budget, first_budget = budget("WASM_BUDGET"), budget("FIRST_LOAD_BUDGET")
    wasm = (sent("kubestats.wasm") + sent("parts/Repositories")) / 1000
    report.row("site", "the WebAssembly of /repositories, brotli", f"{wasm:.0f} kB", "", "", f"under {wasm_budget:.0f} kB", wasm < wasm_budget)
    first = ["kubestats.js", "kubestats.wasm", "parts/Repositories", "main.css", *[n for n in ("ui.js", "favicon.svg", "inter-latin-wght-normal.woff2", "jetbrains-mono-latin-wght-normal.woff2") if n in manifest]]
    total = sum(sent(n) for n in first) / 1000
    report.row("site", f"first load of /repositories: {', '.join(first)}", f"{total:.0f} kB", "", "", f"under {first_budget:.0f} kB", total < first_budget)
    _lighthouse(report, folder)


def _lighthouse(report, folder: pathlib.Path) -> None:
    """Lighthouse's marks on the samples, as on a slow phone."""
    if subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=LIGHTHOUSE, capture_output=True).returncode != 0:
        report.skip("site", "Lighthouse could not be installed from npm")
        return
    with Server(folder, samples="always") as server:
        until = time.monotonic() + 120
        while True:
            found = server.json("/api/v1/repositories/")["data"]
            if len(found) >= 3 and all(r["scanned_commit"] and r["scan_status"] == "success" for r in found):
                break
            if time.monotonic() > until:
                raise RuntimeError("the samples were not scanned within two minutes")
            time.sleep(0.2)
        # The server is quiet again before anything is measured.
        time.sleep(5)
        pages = ["/repositories", "/", "/resources"]
        command = ["node", str(LIGHTHOUSE / "run.mjs"), *[f"http://127.0.0.1:{server.port}{page}" for page in pages]]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode().splitlines()
    for page, marks in zip(pages, map(json.loads, lines), strict=True):
        kinds = ["performance", "accessibility", "best-practices"]
        report.row("site", f"Lighthouse on {page}: {', '.join(kinds)}", ", ".join(str(marks[kind]) for kind in kinds), "", "", "95 or more",
                   min(marks[kind] for kind in kinds) >= 95)
        for lost in marks["lost"]:
            print(f"         marked down: {lost}", file=sys.stderr)


if __name__ == "__main__":
    here, url = pathlib.Path(sys.argv[1]), postgres.url()
    print(run([GENERATE, url, *SCALE]).output.decode().strip(), file=sys.stderr)
    _engine(postgres.Lines(), here, "PostgreSQL", url)
