"""What watching costs: how soon a push is told, what looks cost, and how pages are with many deliveries kept.

Called as a part of `make bench`, or by itself: `KUBESTATS_PROGRAM=... python3 watching.py here [webhooks|polls|kept ...]`.
"""

import os
import pathlib
import sys
import tempfile

import postgres

NAMES = ["webhooks", "polls", "kept"]
WANTED = os.environ.get("KUBESTATS_BENCH_WATCHING", "").split() or NAMES


def watching(report, folder: pathlib.Path) -> None:
    unknown = [name for name in WANTED if name not in NAMES]
    if unknown:
        raise RuntimeError(f"there is no {', '.join(unknown)} of watching; there are {', '.join(NAMES)}")
    for name in WANTED:
        place = folder / name
        (place / "data").mkdir(parents=True)
        if name == "polls":
            from polls import polls

            polls(report, place)
            continue
        _measure(report, name, place, "SQLite", f"sqlite:{place / 'data' / 'kubestats.db'}")
        other = folder / f"{name}-postgres"
        other.mkdir()
        postgres.measure(report, "watching", __file__, "postgres", name, str(other))


def _measure(report, name: str, folder: pathlib.Path, engine: str, database: str) -> None:
    if name == "webhooks":
        from webhooks import webhooks

        webhooks(report, folder, engine, database)
    else:
        from kept import kept

        kept(report, folder, engine, database)


if __name__ == "__main__":
    if sys.argv[1] == "postgres":
        _measure(postgres.Lines(), sys.argv[2], pathlib.Path(sys.argv[3]), "PostgreSQL", postgres.url())
    else:
        from slow import _Printed

        WANTED = sys.argv[2:] or WANTED
        with tempfile.TemporaryDirectory() as there:
            watching(_Printed(), pathlib.Path(there))
