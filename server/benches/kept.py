"""Pages of what was watched and told over a month, on the large generated database, with many deliveries kept beside it."""

import os
import pathlib
import sys
import time

from accounts import come
from load import steady
from measure import FIRST_ACCOUNT, Server, run

GENERATE = os.environ["KUBESTATS_GENERATE"]
# Repositories, resources and events as the part `serving` has them; deliveries.
SCALE = os.environ.get("KUBESTATS_BENCH_SCALE", "").split() or ["250", "100000", "1000000"]
DELIVERIES = int(os.environ.get("KUBESTATS_BENCH_DELIVERIES", 100_000))
PERSON = {"email": FIRST_ACCOUNT["FIRST_SUPERUSER"], "password": FIRST_ACCOUNT["FIRST_SUPERUSER_PASSWORD"]}


def kept(report, folder: pathlib.Path, engine: str, database: str) -> None:
    print(run([GENERATE, database, *SCALE, str(DELIVERIES)]).output.decode().strip(), file=sys.stderr)
    with Server(folder, database=database, config="discovery: {enabled: false}\n") as server:
        # Who may manage pipelines is shown all: requests, answers, what may be done.
        came, session, _ = come(server.port, PERSON, "198.51.100.1")
        if not came:
            raise RuntimeError("the right password does not get in")
        server.call_off()
        time.sleep(10)
        head = f"Cookie: {session}\r\nAccept: text/html\r\n"
        for name, paths in _pages(server).items():
            if not paths:
                raise RuntimeError(f"there is nothing to ask for of {name}")
            for path in paths:
                status, _ = server.get(path, headers={"Cookie": session})
                if status != 200:
                    raise RuntimeError(f"{path} is answered with {status}")
            what = f"{name}, {DELIVERIES:,} deliveries kept, {engine}, 50 requests/s, p95"
            try:
                middle, slow = steady(server.port, paths, head=head)
            except TimeoutError:
                report.row("kept", what, "did not keep up", "", "", "under 30 ms", False)
                # What was asked and not waited for is done before anything else is measured.
                time.sleep(20)
                continue
            report.row("kept", f"{what} (median {middle:.1f} ms)", f"{slow:.1f} ms", "", "", "under 30 ms", slow < 30)
        report.row("kept", f"memory after those requests, {engine}", f"{server.resident_mb():.0f} MB, of which {server.resident_mb('RssAnon:'):.0f} MB are not the database's file",
                   "", "", "", None)


def _pages(server: Server) -> dict[str, list[str]]:
    """Addresses by what they are of; deliveries and branches from all over the month."""
    deliveries = server.json("/api/v1/deliveries?limit=1")["count"]
    if deliveries < DELIVERIES:
        raise RuntimeError(f"{deliveries:,} deliveries are kept instead of {DELIVERIES:,}")
    some = [one for skip in (0, deliveries // 3, 2 * deliveries // 3, deliveries - 25)
            for one in server.json(f"/api/v1/deliveries?skip={max(0, skip)}&limit=25")["data"]]
    events = server.json("/api/v1/branch-events?limit=1")["count"]
    # The one that moves most has the longest history.
    busy = list(dict.fromkeys(one["branch_id"] for one in some if one["branch_name"] == "main"))[:20]
    triggers = [one["id"] for one in server.json("/api/v1/triggers")]
    return {
        "`/triggers`": ["/triggers"],
        "a trigger": [f"/triggers/{one}" for one in triggers],
        "`/watch`": ["/watch", "/watch?view=branches"],
        "`/watch`, deep": [f"/watch?page={max(1, events // 50)}", f"/watch?page={max(1, events // 100)}"],
        "a branch's page": [f"/branches/{one}" for one in busy],
        "`/deliveries/{id}`": [f"/deliveries/{one['id']}" for one in some],
        "REST lists of them": ["/api/v1/triggers", "/api/v1/deliveries?limit=25", f"/api/v1/deliveries?skip={max(0, deliveries - 25)}&limit=25",
                               "/api/v1/branch-events?limit=25", "/api/v1/branches?limit=25"],
    }
