"""Broken and hostile files: what a scanner meets in the wild, and a few things one hopes it never does."""

from .repository import Repository, text


def configmap(name: str, data: str, namespace: str = "default") -> str:
    body = "".join(f"  {line}\n" for line in text(data).splitlines())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {namespace}\ndata:\n{body}"


def bomb() -> str:
    """Nine levels of ten aliases each: a billion scalars, were they ever written out."""
    lines = ["apiVersion: v1", "kind: ConfigMap", "metadata: {name: bomb, namespace: default}", "data:", "  l0: &l0 laugh"]
    for level in range(1, 10):
        lines.append(f"  l{level}: &l{level} [" + ", ".join([f"*l{level - 1}"] * 10) + "]")
    return "\n".join(lines) + "\n"


def build() -> Repository:
    repo = Repository("broken-files", "Broken and hostile files, and what becomes of them")
    syntax(repo)
    bytes_and_names(repo)
    legal_but_odd(repo)
    budgets(repo)
    mending(repo)
    return repo


def syntax(repo: Repository) -> None:
    repo.write("README.md", "# Broken files\n\nA sample that Kubestats brings. Every file under `broken` is wrong on purpose;\n"
                            "what is in `sound` must be found all the same.\n")
    repo.write("sound/web.yaml", text("""
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
          namespace: default
        spec:
          replicas: 1
          selector:
            matchLabels: {app: web}
          template:
            metadata:
              labels: {app: web}
            spec:
              containers:
                - name: web
                  image: docker.io/library/nginx:1.28.0
        """))
    repo.commit("2025-10-01 12:00", "One sound file to begin with")
    repo.write("broken/tabs.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: tabs\n\tnamespace: default\ndata:\n\tkey: value\n")
    repo.commit("2025-10-02 12:00", "Indent with tabs")
    repo.write("broken/chart/templates/deployment.yaml", text("""
        {{- if .Values.enabled }}
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: {{ include "chart.fullname" . }}
          labels:
            {{- include "chart.labels" . | nindent 4 }}
        spec:
          replicas: {{ .Values.replicaCount }}
        {{- end }}
        """))
    repo.write("broken/chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n")
    repo.write("broken/chart/values.yaml", "enabled: true\nreplicaCount: 1\n")
    repo.commit("2025-10-06 12:00", "Add a chart whose templates are no YAML")
    repo.write("broken/anchor.yaml", configmap("anchor", "key: *nowhere"))
    repo.commit("2025-10-09 12:00", "Refer to an anchor that nobody set")
    repo.write("broken/unclosed.yaml", configmap("unclosed", 'key: "this string has no end'))
    repo.commit("2025-10-14 12:00", "Leave a string open")
    repo.write("broken/half.yaml", configmap("first-half", "key: value") + "---\n" + configmap("second-half", "key: {a: b"))
    repo.commit("2025-10-20 12:00", "One good document, one bad one, in one file")
    repo.write("broken/merge-conflict.yaml", text("""
        apiVersion: v1
        kind: Service
        metadata:
          name: conflicted
        <<<<<<< HEAD
          namespace: blue
        =======
          namespace: green
        >>>>>>> feature
        spec:
          ports: [{port: 80}]
        """))
    repo.commit("2025-10-27 12:00", "Commit a merge conflict as it is")


def bytes_and_names(repo: Repository) -> None:
    repo.write("broken/latin1.yaml", configmap("latin1", "greeting: Gr\u00fc\u00dfe").encode("latin-1"))
    repo.commit("2025-11-03 12:00", "Write umlauts in Latin-1")
    repo.write("sound/utf16.yaml", configmap("utf16", "greeting: Gr\u00fc\u00dfe").encode("utf-16"))
    repo.write("sound/bom.yaml", b"\xef\xbb\xbf" + configmap("bom", "greeting: hello").encode())
    repo.commit("2025-11-05 12:00", "Save from an editor that likes UTF-16, and one that likes byte order marks")
    repo.write("broken/binary.yaml", bytes(range(256)) * 8)
    repo.commit("2025-11-10 12:00", "Name a picture .yaml")
    repo.write(b"odd/n\xe4me.yaml", configmap("path-not-utf8", "key: value"))
    repo.write("odd/with space and 'quotes' and \u2603.yaml", configmap("path-with-snowman", "key: value"))
    repo.write("odd/line\nbreak.yaml", configmap("path-with-line-break", "key: value"))
    repo.write("odd/" + "/".join(["very-long-folder-name-that-goes-on-and-on"] * 12) + "/deep.yaml", configmap("path-too-long", "key: value"))
    repo.write("odd/UPPER.YAML", configmap("upper-case-extension", "key: value"))
    repo.write("odd/<script>alert(1)</script>.yaml".replace("</", "<\\"), configmap("path-with-markup", "key: value"))
    repo.commit("2025-11-14 12:00", "Names that are no names")
    repo.link("odd/link.yaml", "../../../../etc/passwd")
    repo.link("odd/loop", "loop")
    repo.submodule("odd/module", "1234567890123456789012345678901234567890")
    repo.commit("2025-11-17 12:00", "A link out of the repository, a link to itself, a submodule that is nowhere")
    repo.write("odd/names.yaml", "---\n".join([
        configmap("123", "why: the name is a number"),
        configmap('"${APP}-config"', "why: a variable stands for the name"),
        configmap('"<img src=x onerror=alert(1)>"', "why: markup must stay text"),
        configmap('"' + "a" * 300 + '"', "why: longer than Kubernetes allows"),
        configmap('""', "why: there is no name"),
        configmap("[not, a, string]", "why: a list is no name"),
    ]))
    repo.commit("2025-11-24 12:00", "Resources with names that no cluster would take")


def legal_but_odd(repo: Repository) -> None:
    repo.write("sound/duplicate-keys.yaml", configmap("duplicate-keys", "key: first\nother: thing\nkey: last"))
    repo.commit("2025-12-03 12:00", "Say a key twice")
    repo.write("sound/list.yaml", text("""
        apiVersion: v1
        kind: List
        metadata: {}
        items:
          - apiVersion: v1
            kind: Service
            metadata: {name: listed-one, namespace: default}
            spec: {ports: [{port: 80}]}
          - apiVersion: v1
            kind: Service
            metadata: {name: listed-two, namespace: default}
            spec: {ports: [{port: 81}]}
          - kind: Service
            metadata: {name: listed-without-version}
        """))
    repo.commit("2025-12-09 12:00", "A list of resources in one document")
    repo.write("sound/empty.yaml", "")
    repo.write("sound/only-comments.yaml", "# Nothing here yet.\n---\n# Nor here.\n")
    repo.write("sound/crlf.yaml", configmap("crlf", "key: value").replace("\n", "\r\n"))
    repo.write("sound/no-final-line-break.yaml", configmap("no-final-line-break", "key: value").rstrip("\n"))
    repo.commit("2025-12-15 12:00", "Empty files, and line ends of every kind")
    repo.write("sound/anchors.yaml", text("""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: &name anchors, namespace: default}
        data:
          name: *name
          one: &same a
          two: *same
          three: &same b
          four: *same
        """))
    repo.write("sound/merge-keys.yaml", text("""
        x-common: &common
          apiVersion: v1
          kind: ConfigMap
        <<: *common
        metadata: {name: merge-keys, namespace: default}
        """))
    repo.write("sound/tags.yaml", configmap("tags", "included: !include other.yaml\nsecret: !secret password\nnumber: !!str 12"))
    repo.commit("2026-01-05 12:00", "Anchors set twice, merge keys, tags of other programs")
    repo.write("sound/yes-and-no.yaml", configmap("yes-and-no", "country: NO\nanswer: yes\noctal: 0755\nminutes: 1:30\nnothing: ~\nversion: 1.10"))
    repo.commit("2026-01-12 12:00", "Scalars that mean something else in YAML 1.1")
    repo.write("sound/secret.yaml", text("""
        apiVersion: v1
        kind: Secret
        metadata: {name: plain, namespace: default}
        stringData:
          password: this-must-never-be-shown
        """))
    repo.commit("2026-01-19 12:00", "Put a secret where everybody can read it")
    repo.replace("sound/secret.yaml", "this-must-never-be-shown", "nor-must-this")
    repo.commit("2026-01-20 12:00", "Change the secret, which helps nobody")
    repo.write("sound/dangling.yaml", text("""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: dangling, namespace: default}
        spec:
          interval: 1h
          chartRef: {kind: OCIRepository, name: nowhere}
          values: {}
        ---
        apiVersion: kustomize.toolkit.fluxcd.io/v1
        kind: Kustomization
        metadata: {name: circle, namespace: flux-system}
        spec:
          interval: 1h
          path: ../../..
          prune: true
          dependsOn: [{name: circle}]
          sourceRef: {kind: GitRepository, name: nowhere}
        """))
    repo.commit("2026-02-02 12:00", "References to what is not there, and a circle")


def budgets(repo: Repository) -> None:
    repo.write("hostile/aliases.yaml", bomb())
    repo.commit("2026-02-16 12:00", "A billion laughs")
    repo.write("hostile/deep.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: deep}\ndata: " + "[" * 6000 + "]" * 6000 + "\n")
    repo.commit("2026-02-23 12:00", "Six thousand brackets deep")
    repo.write("hostile/long-line.yaml", configmap("long-line", "key: " + "x" * 200_000))
    repo.commit("2026-03-02 12:00", "One line of two hundred thousand characters")
    repo.write("hostile/wide.yaml", configmap("wide", "\n".join(f"key-{n:04}: value" for n in range(3000))))
    repo.commit("2026-03-09 12:00", "Three thousand keys")
    repo.write("hostile/many.yaml", "---\n".join(configmap(f"many-{n:03}", f"number: '{n}'") for n in range(150)))
    repo.commit("2026-03-16 12:00", "A hundred and fifty documents in a file")
    repo.write("hostile/wide.yaml", configmap("wide", "\n".join(f"key-{n:04}: {'changed' if n % 100 == 0 else 'value'}" for n in range(3000))))
    repo.commit("2026-03-23 12:00", "Change thirty of three thousand keys")


def mending(repo: Repository) -> None:
    repo.replace("sound/web.yaml", "nginx:1.28.0", "nginx:1.29.1")
    repo.commit("2026-04-20 12:00", "Update nginx, as if nothing had happened")
    repo.write("broken/tabs.yaml", repo.read("broken/tabs.yaml").replace("\t", "  "))
    repo.commit("2026-05-11 12:00", "Mend the tabs")
    repo.write("broken/half.yaml", repo.read("broken/half.yaml").replace("{a: b", '"{a: b}"'))
    repo.commit("2026-05-18 12:00", "Mend the second half")
    repo.replace("sound/web.yaml", "  replicas: 1\n", "\treplicas: 2\n")
    repo.commit("2026-06-15 12:00", "Scale up, with a tab")
    repo.replace("sound/web.yaml", "\treplicas: 2\n", "  replicas: 2\n")
    repo.commit("2026-06-16 12:00", "Scale up, without one")
    repo.delete("hostile/many.yaml")
    repo.commit("2026-07-20 12:00", "A hundred and forty-nine too many")
    repo.write("broken/merge-conflict.yaml", text("""
        apiVersion: v1
        kind: Service
        metadata:
          name: conflicted
          namespace: green
        spec:
          ports: [{port: 80}]
        """))
    repo.commit("2026-09-14 12:00", "Resolve the conflict: green")
    repo.replace("sound/duplicate-keys.yaml", "  key: first\n", "")
    repo.commit("2026-10-12 12:00", "Say the key once: nothing changes, the last one won before")
    repo.write("broken/more-tabs.yaml", repo.read("broken/tabs.yaml").replace("  ", "\t").replace("tabs", "more-tabs"))
    repo.replace("sound/web.yaml", "nginx:1.29.1", "nginx:1.29.4")
    repo.commit("2026-11-10 12:00", "Update nginx, and find out that the tabs are back")
