"""Asks a fresh server with its samples what schemathesis makes of the API's description: `api.py PROGRAM SCHEMATHESIS [CALLS]`.

Everything that is as described must be taken, everything else refused, and each answer must be one that is described. What needs
somebody is answered to nobody else, what was made is there, and what was deleted is not. The same calls are made every time;
where a number of calls is given, others follow until the server has answered so many.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

PATIENCE_S = 120
SAMPLES = 3
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,positive_data_acceptance,missing_required_header,"
    # `ignored_auth` asks again without what lets in, and with what does not. Reads need nobody, as everybody may read unless the
    # configuration says otherwise: the description says so of each, and of those it expects nothing.
    "unsupported_method,allow_header_conformance,ignored_auth"
)
# Of calls that follow from each other.
FOLLOWING = (
    "not_a_server_error,status_code_conformance,response_schema_conformance,use_after_free,ensure_resource_availability"
)
# What makes something or tells what is there: the body that it takes, the parameter that names what its answer holds, where that
# stands in it, and what can be asked of it. Bodies as described are hardly ever addresses or targets that are taken, so that
# nothing would be made. How a repository is watched, and the access of its own, are not among them: each is a state that a
# repository always has, and is answered after it was taken back as well, which `use_after_free` would find.
WALK = {
    "create_account": (
        {"email": {"type": "string", "pattern": r"^[a-z]{9}@example\.org$"}, "role": {"const": "viewer"}},
        "account_id",
        "/id",
        ("change_account", "create_account_link", "delete_account"),
    ),
    "create_trigger": (
        {
            "name": {"type": "string", "pattern": "^[a-z]{9}$"},
            "target": {"const": {"flux": {"url": "https://example.org/hook"}}},
        },
        "trigger_id",
        "/trigger/id",
        ("get_trigger", "delete_trigger"),
    ),
    "list_repositories": (
        None,
        "repository_id",
        "/data/0/id",
        ("get_repository", "get_repository_status", "delete_repository"),
    ),
}
# What these have to come to, or they checked nothing: what was made is deleted, and asked for once more.
STEPS = (
    ("POST", "admin/users", 201),
    ("DELETE", "admin/users/{account_id}", 204),
    ("POST", "triggers", 201),
    ("DELETE", "triggers/{trigger_id}", 204),
    ("GET", "triggers/{trigger_id}", 404),
    ("DELETE", "repositories/{repository_id}", 200),
    ("GET", "repositories/{repository_id}", 404),
)
# The v1 API's own status where there is nothing to approve: what is asked is well formed, its state is not the one.
EXCEPTIONS = """
[[operations]]
include-operation-id = "approve_repository"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 403, 404, "5xx"]

# Wants an image or a repository, which the description can say of each alone only.
[[operations]]
include-operation-id = "list_image_places"
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 422, "5xx"]

# What is well formed may be no password that fits, no address of mail, no role that there is, or no token that a forge takes.
[[operations]]
include-operation-id = ["get_access_token", "create_account", "change_account", "delete_account", "change_role", "delete_role", "create_token", "change_own_account", "delete_second_factor", "change_forge_token"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 401, 403, 404, 422, 429, "5xx"]

# What is well formed may be no pattern, no expression, no address, no token, or times that do not go together.
[[operations]]
include-operation-id = ["change_watch", "change_repository_access", "create_trigger", "change_trigger", "test_dry_run", "replay_trigger"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422, 429, "5xx"]

# What proves whose a webhook is may be no time and no word that its sender would write; who has made a secret is asked for that.
[[operations]]
include-operation-id = ["receive_github_webhook", "receive_gitlab_webhook", "receive_forgejo_webhook", "receive_generic_webhook", "receive_tekton_event"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 401, 403, 404, "5xx"]
"""
ADMIN = {"username": "ada@example.org", "password": "violet anchor timber seventeen"}
VIEWER = {"username": "vera@example.org", "password": "copper meadow lantern eleven"}
# What a token may not do, whoever made it.
IN_PERSON = ("change_own_account", "end_session", "create_token", "revoke_token")
# Who asks this is somebody else afterwards.
ENDS_A_SESSION = ("end_own_session",)


def post(url, body, kind, token=None):
    """Sends something and gives back what it came to."""
    headers = {"Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, body.encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def come(base, who):
    """What somebody has who signed in."""
    form = urllib.parse.urlencode(who)
    return post(f"{base}/api/v1/login/access-token", form, "application/x-www-form-urlencoded")["access_token"]


def token(base, access):
    """A token that may do everything and works on, whatever sessions the calls end."""
    wanted = json.dumps({"name": "calls", "scopes": ["admin"]})
    return post(f"{base}/api/v1/users/me/tokens", wanted, "application/json", access)["token"]


def fetch(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def until(what, ask, server):
    """Waits for something that is not none."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        found = ask()
        if found:
            return found
        time.sleep(0.2)
    raise SystemExit(f"{what}: not within {PATIENCE_S} s")


def scanned(base):
    data = fetch(f"{base}/api/v1/repositories/")["data"]
    done = [one["id"] for one in data if one["scan_status"] == "success" and one["scanned_commit"]]
    return done if len(done) >= SAMPLES else None


def known(base):
    """Values that name what is there, so that calls find something."""
    repository = scanned(base)[0]
    event = fetch(f"{base}/api/v1/repositories/{repository}/events?limit=1")["data"][0]
    return {
        "path.repository_id": repository,
        "path.resource_id": event["resource_id"],
        "path.sha": event["commit_sha"] if "commit_sha" in event else event["commit"],
        "path.job_id": fetch(f"{base}/api/v1/jobs?state=succeeded&limit=1")["data"][0]["id"],
        "path.task_id": fetch(f"{base}/api/v1/jobs?state=succeeded&limit=1")["data"][0]["id"],
        "path.task_name": "refresh-metrics",
        "path.chart_id": fetch(f"{base}/api/v1/charts?limit=1")["data"][0]["id"],
    }


def run(schemathesis, base, folder, parameters, token, checks, *more, described=None):
    """One run; whether nothing was found."""
    config = pathlib.Path(folder, "schemathesis.toml")
    lines = [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in parameters.items()]
    # What follows from what stands in `WALK`, and is not guessed.
    config.write_text("\n".join(["[parameters]", *lines, "[phases.stateful]", "inference.algorithms = []", EXCEPTIONS]))
    command = [
        schemathesis, "--config-file", config, "run", described or f"{base}/api/v1/openapi.json", "--checks", checks,
        "--url", base,
        *("--request-timeout", "30"), *(() if "--seed" in more else ("--generation-deterministic",)),
        # It never ends by itself.
        "--exclude-operation-id", "stream_live",
        *(["--header", f"Authorization: Bearer {token}"] if token else []),
        *more,
    ]  # fmt: skip
    return subprocess.run(command, cwd=folder, check=False).returncode == 0


def described_walk(base, folder, first):
    """The part of the description that is about one thing that is made, read and deleted, with what follows from what."""
    document = fetch(f"{base}/api/v1/openapi.json")
    body, parameter, place, then = WALK[first]
    kept = {first, *then}
    named = {}
    for item in document["paths"].values():
        for verb in list(item):
            name = item[verb].get("operationId")
            if name in kept:
                named[name] = item[verb]
            else:
                del item[verb]
    document["paths"] = {path: item for path, item in document["paths"].items() if item}
    operation = named[first]
    operation.pop("parameters", None)
    if body:
        schema = {"type": "object", "properties": body, "required": [*body], "additionalProperties": False}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    links = {one: {"operationId": one, "parameters": {parameter: f"$response.body#{place}"}} for one in then}
    operation["responses"]["201" if body else "200"]["links"] = links
    walk = pathlib.Path(folder, "walk.json")
    walk.write_text(json.dumps(document))
    return walk


def answered(base, *words):
    """How many requests the server has answered, by its own figures; those whose figure has these words."""
    with urllib.request.urlopen(f"{base}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    lines = [line for line in lines if line.startswith("http_requests_total{") and all(word in line for word in words)]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def walked(schemathesis, base, folder, token):
    """Makes, reads and deletes, one after the other; whether nothing was found, and each was done."""
    done = lambda method, path, status: answered(
        base, f'method="{method}"', f'endpoint="/api/v1/{path}"', f'status="{status}"'
    )
    before = [done(*step) for step in STEPS]
    walk = ("--phases", "stateful", "--mode", "positive", "--max-examples", "50")
    found = True
    for first in WALK:
        described = described_walk(base, folder, first)
        found &= run(schemathesis, base, folder, {}, token, FOLLOWING, *walk, described=described)
    missing = [step for step, earlier in zip(STEPS, before, strict=True) if done(*step) <= earlier]
    if missing:
        print(f"nothing was asked that was answered so: {missing}")
    return found and not missing


def soak(base, calls, one):
    """Other calls each round, as an admin, a viewer and nobody, until so many are answered or something is found."""
    seed, before = 0, -1
    while answered(base) < calls:
        if answered(base) <= before:
            raise SystemExit("the calls do not reach the server")
        before = answered(base)
        seed += 1
        more = ("--phases", "fuzzing", "--max-examples", "100", "--seed", str(seed))
        if not one(seed, more):
            print(f"found by seed {seed}")
            return False
    print(f"{answered(base):.0f} calls were answered")
    return True


def main():
    program, schemathesis = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        environment = {
            **os.environ,
            "KUBESTATS_APP_DATA_DIR": f"{folder}/data",
            "KUBESTATS_APP_LISTEN": "127.0.0.1:0",
            "KUBESTATS_APP_LOG_FORMAT": "json",
            "KUBESTATS_DISCOVERY_ENABLED": "false",
            "FIRST_SUPERUSER": ADMIN["username"],
            "FIRST_SUPERUSER_PASSWORD": ADMIN["password"],
        }
        environment.pop("DATABASE_URL", None)
        with log.open("w") as out:
            server = subprocess.Popen([program, "serve"], cwd=folder, env=environment, stdout=out, stderr=out)
        try:
            told = until("the address", lambda: re.search(r"serving (http://[0-9.:]+)", log.read_text()), server)
            base = told[1]
            until("the samples", lambda: scanned(base), server)
            # First what names something that is there; then anything at all, deletions among it.
            # Whoever may not is refused, which says nothing of what was sent.
            all_of = ("--phases", "coverage,fuzzing", "--max-examples", "15")
            some = ("--phases", "coverage,fuzzing", "--max-examples", "3")
            refused = ",".join(c for c in CHECKS.split(",") if "data" not in c and c != "missing_required_header")
            add = [program, "user", "add", VIEWER["username"], "--role", "viewer", "--password-stdin"]
            subprocess.run(add, cwd=folder, env=environment, input=VIEWER["password"], text=True, check=True)
            person, viewer = come(base, ADMIN), come(base, VIEWER)
            admin = token(base, person)
            ids = lambda named: [word for one in named for word in ("--include-operation-id", one)]
            stays = [word for one in ENDS_A_SESSION for word in ("--exclude-operation-id", one)]
            found = run(schemathesis, base, folder, known(base), admin, CHECKS, *all_of, "--include-method", "GET")
            found &= run(schemathesis, base, folder, {}, None, refused, *some)
            found &= run(schemathesis, base, folder, {}, viewer, refused, *some, *stays)
            found &= run(schemathesis, base, folder, {}, person, CHECKS, *all_of, *ids(IN_PERSON))
            any_at_all = run(schemathesis, base, folder, {}, admin, CHECKS, *all_of)
            calls = int(sys.argv[3]) if len(sys.argv) > 3 else 0
            who = ((admin, CHECKS, ()), (viewer, refused, stays), (None, refused, ()))

            def one(seed, more):
                key, checks, less = who[seed % len(who)]
                return run(schemathesis, base, folder, {}, key, checks, *more, *less)

            any_at_all &= soak(base, calls, one)
            # Last: it deletes the samples.
            any_at_all &= walked(schemathesis, base, folder, admin)
            if server.poll() is not None:
                print(f"the server ended:\n{log.read_text()[-5000:]}")
            sys.exit(0 if found and any_at_all and server.poll() is None else 1)
        finally:
            server.terminate()
            server.wait(30)


main()
