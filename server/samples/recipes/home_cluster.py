"""A Flux home cluster: charts from OCI and Helm repositories, one shared app chart, secrets by SOPS, moves and migrations."""

from .repository import Repository, text

APPS = "kubernetes/apps"
CHARTS = "kubernetes/flux/repositories"


def namespace_files(repo: Repository, namespace: str, apps: list[str]) -> None:
    repo.write(f"{APPS}/{namespace}/namespace.yaml", text(f"""
        ---
        apiVersion: v1
        kind: Namespace
        metadata:
          name: {namespace}
          labels:
            kustomize.toolkit.fluxcd.io/prune: disabled
        """))
    list_apps(repo, namespace, apps)


def list_apps(repo: Repository, namespace: str, apps: list[str]) -> None:
    entries = "".join(f"  - ./{app}/ks.yaml\n" for app in apps)
    repo.write(f"{APPS}/{namespace}/kustomization.yaml",
               "---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
               f"namespace: {namespace}\nresources:\n  - ./namespace.yaml\n{entries}")


def ks(repo: Repository, namespace: str, app: str, depends: list[str] = ()) -> None:
    needs = "".join(f"    - name: {d}\n" for d in depends)
    needs = f"  dependsOn:\n{needs}" if needs else ""
    repo.write(f"{APPS}/{namespace}/{app}/ks.yaml", f"""---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: &app {app}
  namespace: flux-system
spec:
  commonMetadata:
    labels:
      app.kubernetes.io/name: *app
{needs}  interval: 1h
  path: ./{APPS}/{namespace}/{app}/app
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
  targetNamespace: {namespace}
  timeout: 5m
  wait: false
""")


def parts(repo: Repository, namespace: str, app: str, files: dict[str, str]) -> None:
    for name, content in files.items():
        repo.write(f"{APPS}/{namespace}/{app}/app/{name}", content)
    entries = "".join(f"  - ./{name}\n" for name in files if name.endswith(".yaml") and not name.startswith("values"))
    repo.write(f"{APPS}/{namespace}/{app}/app/kustomization.yaml",
               f"---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{entries}")


def oci(name: str, url: str, tag: str) -> str:
    return text(f"""
        ---
        apiVersion: source.toolkit.fluxcd.io/v1
        kind: OCIRepository
        metadata:
          name: {name}
        spec:
          interval: 15m
          layerSelector:
            mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip
            operation: copy
          ref:
            tag: {tag}
          url: {url}
        """)


def helm_repository(name: str, url: str) -> str:
    return text(f"""
        ---
        apiVersion: source.toolkit.fluxcd.io/v1
        kind: HelmRepository
        metadata:
          name: {name}
          namespace: flux-system
        spec:
          interval: 2h
          url: {url}
        """)


def release(name: str, values: str, source: str = "", version: str = "v2") -> str:
    """A HelmRelease; without `source` it takes the chart of the OCIRepository of its own name."""
    source = source or f"chartRef:\n  kind: OCIRepository\n  name: {name}\n"
    spec = f"interval: 1h\n{source}values:\n" + "".join(f"  {line}\n" if line else "\n" for line in text(values).splitlines())
    return (f"---\napiVersion: helm.toolkit.fluxcd.io/{version}\nkind: HelmRelease\nmetadata:\n  name: {name}\nspec:\n"
            + "".join(f"  {line}\n" if line else "\n" for line in spec.splitlines()))


def chart_of(repository: str, chart: str, version: str) -> str:
    return (f"chart:\n  spec:\n    chart: {chart}\n    version: {version}\n    sourceRef:\n      kind: HelmRepository\n"
            f"      name: {repository}\n      namespace: flux-system\n")


SHARED_CHART = "chartRef:\n  kind: OCIRepository\n  name: app-template\n  namespace: flux-system\n"


def app(name: str, image: str, tag: str, port: int, more: str = "", env: str = "TZ: Europe/Berlin") -> str:
    """A HelmRelease of the shared app chart."""
    environment = "".join(f"          {line}\n" for line in env.splitlines())
    return release(name, f"""controllers:
  {name}:
    containers:
      app:
        image:
          repository: {image}
          tag: {tag}
        env:
{environment}        resources:
          requests:
            cpu: 10m
            memory: 128Mi
          limits:
            memory: 1Gi
service:
  app:
    controller: {name}
    ports:
      http:
        port: {port}
route:
  app:
    hostnames: ["{name}.example.net"]
    parentRefs:
      - name: internal
        namespace: network
""" + text(more), SHARED_CHART)


SECRET = """
    ---
    apiVersion: v1
    kind: Secret
    metadata:
      name: {name}
    stringData:
      {key}: ENC[AES256_GCM,data:{data},iv:3m2n1pQy0bQnT1vXkYz8dQ==,tag:{tag},type:str]
    sops:
      age:
        - recipient: age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqsamples
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            c2FtcGxlIG9ubHksIG5vdGhpbmcgaXMgZW5jcnlwdGVkIGhlcmU=
            -----END AGE ENCRYPTED FILE-----
      lastmodified: "{when}"
      mac: ENC[AES256_GCM,data:{mac},iv:9yZk0aQyQ0bQnT1vXkYz8Q==,tag:2Yx0pQnT1vXkYz8dQbQn0w==,type:str]
      encrypted_regex: ^(data|stringData)$
      version: 3.10.2
    """


def secret(name: str, key: str, data: str, when: str) -> str:
    return text(SECRET.format(name=name, key=key, data=data, tag=data[::-1], mac=data * 2, when=when))


def build() -> Repository:
    repo = Repository("home-cluster", "A Flux home cluster: sources, releases, one shared app chart, secrets by SOPS")
    first_light(repo)
    autumn(repo)
    winter(repo)
    spring(repo)
    summer(repo)
    second_autumn(repo)
    return repo


def bump(repo: Repository, when: str, path: str, what: str, old: str, new: str, kind: str = "image") -> None:
    repo.replace(path, old, new)
    scope = {"image": "container", "chart": "helm"}[kind]
    weight = "feat" if old.split(".")[:2] != new.split(".")[:2] else "fix"
    major = "!" if old.lstrip("v").split(".")[0] != new.lstrip("v").split(".")[0] else ""
    repo.commit(when, f"{weight}({scope}){major}: update {kind} {what} ({old} → {new})", by="bot")


def first_light(repo: Repository) -> None:
    repo.write("README.md", "# Home cluster\n\nA sample that Kubestats brings. One node, Flux, and what a household runs.\n")
    repo.write(".sops.yaml", text("""
        ---
        creation_rules:
          - path_regex: kubernetes/.*\\.sops\\.yaml
            encrypted_regex: ^(data|stringData)$
            age: age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqsamples
        """))
    repo.commit("2025-09-20 08:02", "Start with an empty cluster")

    repo.write("kubernetes/flux/cluster/source.yaml", text("""
        ---
        apiVersion: source.toolkit.fluxcd.io/v1
        kind: GitRepository
        metadata:
          name: flux-system
          namespace: flux-system
        spec:
          interval: 30m
          ref:
            branch: main
          url: https://git.example.net/samples/home-cluster.git
          ignore: |
            /*
            !/kubernetes
        """))
    repo.write("kubernetes/flux/cluster/ks.yaml", text("""
        ---
        apiVersion: kustomize.toolkit.fluxcd.io/v1
        kind: Kustomization
        metadata:
          name: cluster-repositories
          namespace: flux-system
        spec:
          interval: 1h
          path: ./kubernetes/flux/repositories
          prune: true
          sourceRef:
            kind: GitRepository
            name: flux-system
        ---
        apiVersion: kustomize.toolkit.fluxcd.io/v1
        kind: Kustomization
        metadata:
          name: cluster-apps
          namespace: flux-system
        spec:
          decryption:
            provider: sops
            secretRef:
              name: sops-age
          dependsOn:
            - name: cluster-repositories
          interval: 1h
          path: ./kubernetes/apps
          prune: true
          sourceRef:
            kind: GitRepository
            name: flux-system
        """))
    repo.commit("2025-09-20 08:40", "feat(flux): sync the cluster from this repository")

    repo.write(f"{CHARTS}/app-template.yaml",
               oci("app-template", "oci://ghcr.io/bjw-s-labs/helm/app-template", "4.3.0").replace(
                   "name: app-template\n", "name: app-template\n  namespace: flux-system\n", 1))
    repo.write(f"{CHARTS}/prometheus-community.yaml",
               helm_repository("prometheus-community", "https://prometheus-community.github.io/helm-charts"))
    repo.write(f"{CHARTS}/metrics-server.yaml",
               helm_repository("metrics-server", "https://kubernetes-sigs.github.io/metrics-server"))
    repo.write(f"{CHARTS}/external-dns.yaml", helm_repository("external-dns", "https://kubernetes-sigs.github.io/external-dns"))
    repo.write(f"{CHARTS}/kustomization.yaml", text("""
        ---
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        resources:
          - ./app-template.yaml
          - ./external-dns.yaml
          - ./metrics-server.yaml
          - ./prometheus-community.yaml
        """))
    repo.commit("2025-09-20 09:15", "feat(flux): add chart repositories")

    namespace_files(repo, "kube-system", ["cilium", "coredns"])
    ks(repo, "kube-system", "cilium")
    parts(repo, "kube-system", "cilium", {
        "ocirepository.yaml": oci("cilium", "oci://quay.io/cilium/charts/cilium", "1.18.2"),
        "helmrelease.yaml": release("cilium", """
            bpf:
              masquerade: true
            cgroup:
              automount:
                enabled: false
              hostRoot: /sys/fs/cgroup
            cni:
              exclusive: false
            ipam:
              mode: kubernetes
            kubeProxyReplacement: true
            loadBalancer:
              algorithm: maglev
              mode: snat
            operator:
              replicas: 1
            rollOutCiliumPods: true
            """),
    })
    ks(repo, "kube-system", "coredns", ["cilium"])
    parts(repo, "kube-system", "coredns", {
        "ocirepository.yaml": oci("coredns", "oci://ghcr.io/coredns/charts/coredns", "1.43.3"),
        "helmrelease.yaml": release("coredns", """
            replicaCount: 1
            service:
              clusterIP: 10.43.0.10
            k8sAppLabelOverride: kube-dns
            """),
    })
    repo.commit("2025-09-20 11:48", "feat(kube-system): cilium and coredns")

    list_apps(repo, "kube-system", ["cilium", "coredns", "metrics-server"])
    ks(repo, "kube-system", "metrics-server")
    parts(repo, "kube-system", "metrics-server", {
        "helmrelease.yaml": release("metrics-server", """
            args:
              - --kubelet-insecure-tls
            metrics:
              enabled: true
            """, chart_of("metrics-server", "metrics-server", "3.13.0")),
    })
    repo.commit("2025-09-20 14:05", "feat(kube-system): metrics-server")


def autumn(repo: Repository) -> None:
    namespace_files(repo, "cert-manager", ["cert-manager"])
    ks(repo, "cert-manager", "cert-manager", ["cilium"])
    parts(repo, "cert-manager", "cert-manager", {
        "ocirepository.yaml": oci("cert-manager", "oci://quay.io/jetstack/charts/cert-manager", "v1.18.2"),
        "helmrelease.yaml": release("cert-manager", """
            crds:
              enabled: true
            replicaCount: 1
            dns01RecursiveNameservers: https://1.1.1.1:443/dns-query
            dns01RecursiveNameserversOnly: true
            """),
        "issuer.yaml": text("""
            ---
            apiVersion: cert-manager.io/v1
            kind: ClusterIssuer
            metadata:
              name: letsencrypt-staging
            spec:
              acme:
                privateKeySecretRef:
                  name: letsencrypt-staging
                profile: shortlived
                server: https://acme-staging-v02.api.letsencrypt.org/directory
                solvers:
                  - dns01:
                      cloudflare:
                        apiTokenSecretRef:
                          name: issuer-token
                          key: api-token
            """),
        "issuer-token.sops.yaml": secret("issuer-token", "api-token", "kJ3sV0bq8A==", "2025-09-21T10:20:00Z"),
    })
    repo.commit("2025-09-21 10:31", "feat(cert-manager): certificates from the staging issuer")

    namespace_files(repo, "network", ["envoy-gateway", "echo-server"])
    ks(repo, "network", "envoy-gateway", ["cert-manager"])
    parts(repo, "network", "envoy-gateway", {
        "ocirepository.yaml": oci("envoy-gateway", "oci://mirror.gcr.io/envoyproxy/gateway-helm", "1.5.1"),
        "helmrelease.yaml": release("envoy-gateway", """
            config:
              envoyGateway:
                provider:
                  type: Kubernetes
                  kubernetes:
                    deploy:
                      type: GatewayNamespace
            """),
        "gateway.yaml": text("""
            ---
            apiVersion: gateway.networking.k8s.io/v1
            kind: GatewayClass
            metadata:
              name: envoy
            spec:
              controllerName: gateway.envoyproxy.io/gatewayclass-controller
            ---
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata:
              name: internal
            spec:
              gatewayClassName: envoy
              listeners:
                - name: https
                  protocol: HTTPS
                  port: 443
                  hostname: "*.example.net"
                  allowedRoutes:
                    namespaces:
                      from: All
                  tls:
                    certificateRefs:
                      - kind: Secret
                        name: example-net-tls
            """),
        "certificate.yaml": text("""
            ---
            apiVersion: cert-manager.io/v1
            kind: Certificate
            metadata:
              name: example-net
            spec:
              secretName: example-net-tls
              issuerRef:
                kind: ClusterIssuer
                name: letsencrypt-staging
              dnsNames: [example.net, "*.example.net"]
            """),
    })
    ks(repo, "network", "echo-server", ["envoy-gateway"])
    parts(repo, "network", "echo-server", {
        "helmrelease.yaml": app("echo-server", "ghcr.io/mendhak/http-https-echo", "37", 8080, env="HTTP_PORT: 8080\nLOG_WITHOUT_NEWLINE: true"),
    })
    repo.commit("2025-09-22 19:26", "feat(network): a gateway, and an echo server to try it with")

    issuer = f"{APPS}/cert-manager/cert-manager/app/issuer.yaml"
    repo.replace(issuer, "letsencrypt-staging", "letsencrypt-production")
    repo.replace(issuer, "acme-staging-v02", "acme-v02")
    repo.replace(f"{APPS}/network/envoy-gateway/app/certificate.yaml", "letsencrypt-staging", "letsencrypt-production")
    repo.commit("2025-09-23 18:02", "feat(cert-manager): switch to the production issuer",
                "The staging certificates were issued without a complaint for a day.\n")

    namespace_files(repo, "home-automation", ["home-assistant", "mosquitto"])
    ks(repo, "home-automation", "home-assistant", ["envoy-gateway", "mosquitto"])
    parts(repo, "home-automation", "home-assistant", {
        "helmrelease.yaml": app("home-assistant", "ghcr.io/home-operations/home-assistant", "2025.9.4", 8123, """
            persistence:
              config:
                existingClaim: home-assistant
              logs:
                type: emptyDir
                globalMounts:
                  - path: /config/logs
            """),
        "pvc.yaml": text("""
            ---
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata:
              name: home-assistant
            spec:
              accessModes: [ReadWriteOnce]
              storageClassName: local-path
              resources:
                requests:
                  storage: 5Gi
            """),
        "secret.sops.yaml": secret("home-assistant", "HASS_LATITUDE", "pQ7yTn2m0w==", "2025-09-27T13:00:00Z"),
    })
    ks(repo, "home-automation", "mosquitto")
    parts(repo, "home-automation", "mosquitto", {
        "helmrelease.yaml": app("mosquitto", "public.ecr.aws/docker/library/eclipse-mosquitto", "2.0.22", 1883),
    })
    repo.commit("2025-09-27 13:10", "feat(home-automation): home assistant and its broker")

    list_apps(repo, "home-automation", ["home-assistant", "mosquitto", "zigbee2mqtt"])
    ks(repo, "home-automation", "zigbee2mqtt", ["mosquitto"])
    parts(repo, "home-automation", "zigbee2mqtt", {
        "helmrelease.yaml": app("zigbee2mqtt", "ghcr.io/koenkk/zigbee2mqtt", "2.6.1", 8080,
                                env="TZ: Europe/Berlin\nZIGBEE2MQTT_CONFIG_MQTT_SERVER: mqtt://mosquitto:1883"),
    })
    repo.commit("2025-09-28 16:44", "feat(home-automation): zigbee2mqtt")

    bump(repo, "2025-10-01 21:03", f"{APPS}/home-automation/home-assistant/app/helmrelease.yaml",
         "ghcr.io/home-operations/home-assistant", "2025.9.4", "2025.10.0")
    bump(repo, "2025-10-03 06:12", f"{APPS}/kube-system/coredns/app/ocirepository.yaml", "coredns", "1.43.3", "1.44.3", "chart")

    namespace_files(repo, "observability", ["kube-prometheus-stack", "grafana"])
    ks(repo, "observability", "kube-prometheus-stack")
    parts(repo, "observability", "kube-prometheus-stack", {
        "helmrelease.yaml": release("kube-prometheus-stack", """
            alertmanager:
              enabled: false
            grafana:
              enabled: false
              forceDeployDashboards: true
            kubeProxy:
              enabled: false
            prometheus:
              prometheusSpec:
                retention: 14d
                retentionSize: 20GB
                storageSpec:
                  volumeClaimTemplate:
                    spec:
                      storageClassName: local-path
                      resources:
                        requests:
                          storage: 25Gi
            """, chart_of("prometheus-community", "kube-prometheus-stack", "77.13.0"), "v2beta2"),
    })
    ks(repo, "observability", "grafana", ["kube-prometheus-stack"])
    repo.write(f"{CHARTS}/grafana.yaml", helm_repository("grafana", "https://grafana.github.io/helm-charts"))
    repo.replace(f"{CHARTS}/kustomization.yaml", "  - ./metrics-server.yaml\n", "  - ./grafana.yaml\n  - ./metrics-server.yaml\n")
    parts(repo, "observability", "grafana", {
        "helmrelease.yaml": release("grafana", """
            deploymentStrategy:
              type: Recreate
            grafana.ini:
              analytics:
                check_for_updates: false
              auth.anonymous:
                enabled: true
                org_role: Viewer
            datasources:
              datasources.yaml:
                apiVersion: 1
                datasources:
                  - name: Prometheus
                    type: prometheus
                    url: http://kube-prometheus-stack-prometheus.observability:9090
                    isDefault: true
            """, chart_of("grafana", "grafana", "10.0.0"), "v2beta2"),
    })
    repo.commit("2025-10-05 15:33", "feat(observability): prometheus and grafana")

    bump(repo, "2025-10-07 18:21", f"{APPS}/cert-manager/cert-manager/app/ocirepository.yaml", "cert-manager", "v1.18.2", "v1.19.0", "chart")
    bump(repo, "2025-10-10 05:40", f"{APPS}/observability/grafana/app/helmrelease.yaml", "grafana", "10.0.0", "10.1.0", "chart")
    bump(repo, "2025-10-15 16:09", f"{APPS}/cert-manager/cert-manager/app/ocirepository.yaml", "cert-manager", "v1.19.0", "v1.19.1", "chart")
    bump(repo, "2025-10-15 18:30", f"{CHARTS}/app-template.yaml", "app-template", "4.3.0", "4.4.0", "chart")

    repo.replace(f"{APPS}/home-automation/home-assistant/app/helmrelease.yaml", "memory: 1Gi", "memory: 2Gi")
    repo.commit("2025-10-18 09:55", "fix(home-assistant): the recorder needs more memory")

    namespace_files(repo, "media", ["jellyfin"])
    ks(repo, "media", "jellyfin", ["envoy-gateway"])
    parts(repo, "media", "jellyfin", {
        "helmrelease.yaml": app("jellyfin", "ghcr.io/jellyfin/jellyfin", "10.10.7", 8096, """
            persistence:
              config:
                existingClaim: jellyfin
              media:
                type: nfs
                server: nas.example.net
                path: /tank/media
            """, env="TZ: Europe/Berlin\nJELLYFIN_PublishedServerUrl: https://jellyfin.example.net"),
        "pvc.yaml": text("""
            ---
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata:
              name: jellyfin
            spec:
              accessModes: [ReadWriteOnce]
              storageClassName: local-path
              resources:
                requests:
                  storage: 10Gi
            """),
    })
    repo.commit("2025-10-25 20:17", "feat(media): jellyfin")
    bump(repo, "2025-10-29 07:48", f"{APPS}/media/jellyfin/app/helmrelease.yaml", "ghcr.io/jellyfin/jellyfin", "10.10.7", "10.11.1")


def winter(repo: Repository) -> None:
    for chart in ("kube-prometheus-stack", "grafana"):
        repo.replace(f"{APPS}/observability/{chart}/app/helmrelease.yaml", "helm.toolkit.fluxcd.io/v2beta2", "helm.toolkit.fluxcd.io/v2")
    repo.commit("2025-11-08 10:20", "chore(flux): move the last releases to helm.toolkit.fluxcd.io/v2", "v2beta2 goes with the next minor of Flux.\n")

    list_apps(repo, "network", ["echo-server", "envoy-gateway", "external-dns"])
    ks(repo, "network", "external-dns", ["envoy-gateway"])
    parts(repo, "network", "external-dns", {
        "helmrelease.yaml": release("external-dns", """
            provider:
              name: cloudflare
            env:
              - name: CF_API_TOKEN
                valueFrom:
                  secretKeyRef:
                    name: external-dns
                    key: api-token
            policy: sync
            sources: [gateway-httproute]
            domainFilters: [example.net]
            """, chart_of("external-dns", "external-dns", "1.19.0")),
        "secret.sops.yaml": secret("external-dns", "api-token", "Zr9wLm4cKA==", "2025-11-09T11:00:00Z"),
    })
    repo.commit("2025-11-09 11:12", "feat(network): names by external-dns")

    repo.write(f"{APPS}/observability/kube-prometheus-stack/app/ocirepository.yaml",
               oci("kube-prometheus-stack", "oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack", "79.5.0"))
    path = f"{APPS}/observability/kube-prometheus-stack/app/helmrelease.yaml"
    before = repo.read(path)
    start, end = before.index("  chart:\n"), before.index("  values:\n")
    repo.write(path, before[:start] + "  chartRef:\n    kind: OCIRepository\n    name: kube-prometheus-stack\n" + before[end:])
    repo.write(f"{APPS}/observability/kube-prometheus-stack/app/kustomization.yaml", text("""
        ---
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        resources:
          - ./ocirepository.yaml
          - ./helmrelease.yaml
        """))
    repo.delete(f"{CHARTS}/prometheus-community.yaml")
    repo.replace(f"{CHARTS}/kustomization.yaml", "  - ./prometheus-community.yaml\n", "")
    repo.commit("2025-11-12 19:50", "refactor(kube-prometheus-stack): take the chart from its OCI registry")

    bump(repo, "2025-11-13 04:31", f"{APPS}/network/envoy-gateway/app/ocirepository.yaml", "gateway-helm", "1.5.1", "1.6.0", "chart")
    bump(repo, "2025-11-21 06:02", f"{APPS}/observability/kube-prometheus-stack/app/ocirepository.yaml", "kube-prometheus-stack", "79.5.0", "79.7.1", "chart")

    repo.delete(f"{APPS}/network/echo-server")
    list_apps(repo, "network", ["envoy-gateway", "external-dns"])
    repo.commit("2025-11-29 12:24", "chore(network): the echo server has done its work")

    bump(repo, "2025-12-04 17:45", f"{CHARTS}/app-template.yaml", "app-template", "4.4.0", "4.5.0", "chart")
    bump(repo, "2025-12-05 20:11", f"{APPS}/home-automation/home-assistant/app/helmrelease.yaml", "ghcr.io/home-operations/home-assistant", "2025.10.0", "2025.12.1")
    bump(repo, "2025-12-07 07:00", f"{APPS}/observability/kube-prometheus-stack/app/ocirepository.yaml", "kube-prometheus-stack", "79.7.1", "80.0.0", "chart")
    bump(repo, "2025-12-09 18:54", f"{APPS}/cert-manager/cert-manager/app/ocirepository.yaml", "cert-manager", "v1.19.1", "v1.19.2", "chart")

    repo.replace(f"{APPS}/observability/kube-prometheus-stack/app/helmrelease.yaml", "retention: 14d", "retention: 30d")
    repo.replace(f"{APPS}/observability/kube-prometheus-stack/app/helmrelease.yaml", "retentionSize: 20GB", "retentionSize: 45GB")
    repo.replace(f"{APPS}/observability/kube-prometheus-stack/app/helmrelease.yaml", "storage: 25Gi", "storage: 50Gi")
    repo.commit("2025-12-20 14:39", "feat(kube-prometheus-stack): keep metrics for a month")

    bump(repo, "2026-01-02 09:12", f"{APPS}/network/external-dns/app/helmrelease.yaml", "external-dns", "1.19.0", "1.20.0", "chart")
    bump(repo, "2026-01-07 19:20", f"{CHARTS}/app-template.yaml", "app-template", "4.5.0", "4.6.0", "chart")
    bump(repo, "2026-01-12 06:45", f"{APPS}/home-automation/home-assistant/app/helmrelease.yaml", "ghcr.io/home-operations/home-assistant", "2025.12.1", "2026.1.1")

    repo.move(f"{APPS}/home-automation", f"{APPS}/home")
    for name in ("home-assistant", "mosquitto", "zigbee2mqtt"):
        repo.replace(f"{APPS}/home/{name}/ks.yaml", f"{APPS}/home-automation/", f"{APPS}/home/")
    repo.commit("2026-01-24 15:06", "refactor(apps): shorter folder for home automation", "The namespace keeps its name, so nothing moves in the cluster.\n")


def spring(repo: Repository) -> None:
    bump(repo, "2026-02-03 18:32", f"{APPS}/kube-system/cilium/app/ocirepository.yaml", "cilium", "1.18.2", "1.19.0", "chart")
    repo.replace(f"{APPS}/kube-system/cilium/app/ocirepository.yaml", "1.19.0", "1.18.2")
    repo.commit("2026-02-03 21:57", 'Revert "feat(helm): update chart cilium (1.18.2 → 1.19.0)"', "Nodes lost their routes after the restart.\n")
    bump(repo, "2026-02-18 05:15", f"{APPS}/kube-system/cilium/app/ocirepository.yaml", "cilium", "1.18.2", "1.19.1", "chart")

    list_apps(repo, "kube-system", ["cilium", "coredns", "metrics-server", "reloader"])
    ks(repo, "kube-system", "reloader")
    parts(repo, "kube-system", "reloader", {
        "ocirepository.yaml": oci("reloader", "oci://ghcr.io/stakater/charts/reloader", "2.2.8"),
        "helmrelease.yaml": release("reloader", """
            fullnameOverride: reloader
            reloader:
              readOnlyRootFileSystem: true
              podMonitor:
                enabled: true
            """),
    })
    repo.commit("2026-02-21 13:08", "feat(kube-system): restart what reads a changed secret")

    for name in ("home-assistant", "zigbee2mqtt"):
        repo.replace(f"{APPS}/home/{name}/app/helmrelease.yaml", f"    controllers:\n      {name}:\n",
                     f"    controllers:\n      {name}:\n        annotations:\n          reloader.stakater.com/auto: \"true\"\n")
    repo.commit("2026-02-21 13:41", "feat(home-automation): let reloader watch over home assistant and zigbee2mqtt")

    bump(repo, "2026-03-06 06:20", f"{APPS}/home/home-assistant/app/helmrelease.yaml", "ghcr.io/home-operations/home-assistant", "2026.1.1", "2026.3.1")
    bump(repo, "2026-03-11 17:03", f"{APPS}/cert-manager/cert-manager/app/ocirepository.yaml", "cert-manager", "v1.19.2", "v1.20.0", "chart")

    namespace_files(repo, "selfhosted", ["miniflux"])
    ks(repo, "selfhosted", "miniflux", ["cloudnative-pg-cluster"])
    parts(repo, "selfhosted", "miniflux", {
        "helmrelease.yaml": app("miniflux", "ghcr.io/miniflux/miniflux", "2.2.17", 8080, """
            envFrom:
              - secretRef:
                  name: miniflux
            """, env="RUN_MIGRATIONS: 1\nPOLLING_FREQUENCY: 30\nBASE_URL: https://miniflux.example.net"),
        "secret.sops.yaml": secret("miniflux", "ADMIN_PASSWORD", "bX2pQe7r0g==", "2026-03-14T15:00:00Z"),
    })
    namespace_files(repo, "database", ["cloudnative-pg"])
    ks(repo, "database", "cloudnative-pg")
    parts(repo, "database", "cloudnative-pg", {
        "ocirepository.yaml": oci("cloudnative-pg", "oci://ghcr.io/cloudnative-pg/charts/cloudnative-pg", "0.27.1"),
        "helmrelease.yaml": release("cloudnative-pg", """
            crds:
              create: true
            monitoring:
              podMonitorEnabled: true
            """),
    })
    repo.write(f"{APPS}/database/cloudnative-pg/cluster/cluster.yaml", text("""
        ---
        apiVersion: postgresql.cnpg.io/v1
        kind: Cluster
        metadata:
          name: postgres
          namespace: database
        spec:
          instances: 1
          imageName: ghcr.io/cloudnative-pg/postgresql:17.5
          storage:
            size: 10Gi
            storageClass: local-path
        """))
    repo.write(f"{APPS}/database/cloudnative-pg/cluster/kustomization.yaml",
               "---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ./cluster.yaml\n")
    one = repo.read(f"{APPS}/database/cloudnative-pg/ks.yaml")
    two = one.replace("&app cloudnative-pg", "&app cloudnative-pg-cluster").replace("cloudnative-pg/app", "cloudnative-pg/cluster")
    two = two.replace("  interval: 1h\n", "  dependsOn:\n    - name: cloudnative-pg\n  interval: 1h\n")
    repo.write(f"{APPS}/database/cloudnative-pg/ks.yaml", one + two)
    repo.commit("2026-03-14 15:22", "feat(selfhosted): a feed reader and the database it wants")

    bump(repo, "2026-03-25 05:51", f"{APPS}/kube-system/cilium/app/ocirepository.yaml", "cilium", "1.19.1", "1.19.2", "chart")
    bump(repo, "2026-04-02 20:37", f"{APPS}/home/home-assistant/app/helmrelease.yaml", "ghcr.io/home-operations/home-assistant", "2026.3.1", "2026.4.0")
    bump(repo, "2026-04-10 06:28", f"{APPS}/home/zigbee2mqtt/app/helmrelease.yaml", "ghcr.io/koenkk/zigbee2mqtt", "2.6.1", "2.9.2")
    bump(repo, "2026-04-11 07:17", f"{APPS}/cert-manager/cert-manager/app/ocirepository.yaml", "cert-manager", "v1.20.0", "v1.20.2", "chart")

    repo.write(f"{APPS}/home/home-assistant/app/secret.sops.yaml", secret("home-assistant", "HASS_LATITUDE", "u0YbS3ne5Q==", "2026-04-18T09:00:00Z"))
    repo.commit("2026-04-18 09:04", "chore(home-assistant): rotate the secret")

    bump(repo, "2026-04-24 16:40", f"{APPS}/network/envoy-gateway/app/ocirepository.yaml", "gateway-helm", "1.6.0", "1.7.2", "chart")
    bump(repo, "2026-05-09 08:19", f"{CHARTS}/app-template.yaml", "app-template", "4.6.0", "5.0.0", "chart")


def summer(repo: Repository) -> None:
    bump(repo, "2026-05-15 06:06", f"{APPS}/home/home-assistant/app/helmrelease.yaml", "ghcr.io/home-operations/home-assistant", "2026.4.0", "2026.5.2")

    list_apps(repo, "network", ["echo-server", "envoy-gateway", "external-dns"])
    ks(repo, "network", "echo-server", ["envoy-gateway"])
    parts(repo, "network", "echo-server", {
        "helmrelease.yaml": app("echo-server", "ghcr.io/mendhak/http-https-echo", "39", 8080, env="HTTP_PORT: 8080\nLOG_WITHOUT_NEWLINE: true"),
    })
    repo.commit("2026-05-30 11:02", "feat(network): bring the echo server back", "To see which headers the gateway sends on.\n")

    bump(repo, "2026-06-05 18:48", f"{APPS}/home/home-assistant/app/helmrelease.yaml", "ghcr.io/home-operations/home-assistant", "2026.5.2", "2026.6.1")
    bump(repo, "2026-06-06 05:59", f"{APPS}/kube-system/coredns/app/ocirepository.yaml", "coredns", "1.44.3", "1.46.0", "chart")
    repo.replace(f"{APPS}/database/cloudnative-pg/cluster/cluster.yaml", "postgresql:17.5", "postgresql:17.6")
    repo.replace(f"{APPS}/database/cloudnative-pg/cluster/cluster.yaml", "size: 10Gi", "size: 20Gi")
    repo.commit("2026-06-20 10:41", "feat(database): postgres 17.6 on a larger disk")

    bump(repo, "2026-07-03 07:34", f"{APPS}/home/home-assistant/app/helmrelease.yaml", "ghcr.io/home-operations/home-assistant", "2026.6.1", "2026.7.0")
    bump(repo, "2026-07-15 17:22", f"{APPS}/cert-manager/cert-manager/app/ocirepository.yaml", "cert-manager", "v1.20.2", "v1.21.0", "chart")
    bump(repo, "2026-07-22 06:50", f"{APPS}/network/envoy-gateway/app/ocirepository.yaml", "gateway-helm", "1.7.2", "1.8.3", "chart")

    # Comments and layout only: no resource changes.
    repo.replace(f"{APPS}/media/jellyfin/app/helmrelease.yaml", "            resources:\n", "            # Transcoding happens on the client.\n            resources:\n")
    repo.write("README.md", repo.read("README.md") + "\n## Nodes\n\nOne, 4 cores, 32 GiB. The media lies on a NAS.\n")
    repo.commit("2026-07-26 16:12", "docs: say what hardware this is")

    bump(repo, "2026-07-30 18:05", f"{APPS}/kube-system/cilium/app/ocirepository.yaml", "cilium", "1.19.2", "1.20.0", "chart")
    bump(repo, "2026-07-31 07:25", f"{APPS}/observability/kube-prometheus-stack/app/ocirepository.yaml", "kube-prometheus-stack", "80.0.0", "88.0.0", "chart")
    bump(repo, "2026-08-07 08:36", f"{APPS}/home/home-assistant/app/helmrelease.yaml", "ghcr.io/home-operations/home-assistant", "2026.7.0", "2026.8.1")
    bump(repo, "2026-08-16 09:09", f"{CHARTS}/app-template.yaml", "app-template", "5.0.0", "5.1.0", "chart")
    bump(repo, "2026-08-18 19:41", f"{APPS}/kube-system/cilium/app/ocirepository.yaml", "cilium", "1.20.0", "1.20.1", "chart")


def second_autumn(repo: Repository) -> None:
    repo.delete(f"{APPS}/observability/grafana")
    repo.delete(f"{CHARTS}/grafana.yaml")
    repo.replace(f"{CHARTS}/kustomization.yaml", "  - ./grafana.yaml\n", "")
    list_apps(repo, "observability", ["kube-prometheus-stack", "victoria-logs"])
    ks(repo, "observability", "victoria-logs")
    parts(repo, "observability", "victoria-logs", {
        "ocirepository.yaml": oci("victoria-logs", "oci://ghcr.io/victoriametrics/helm-charts/victoria-logs-single", "0.13.9"),
        "helmrelease.yaml": release("victoria-logs", """
            server:
              fullnameOverride: victoria-logs
              retentionPeriod: 14d
              persistentVolume:
                enabled: true
                storageClassName: local-path
                size: 20Gi
            """),
    })
    repo.commit("2026-09-05 14:27", "feat(observability): logs instead of dashboards nobody opened")

    repo.replace(f"{APPS}/media/jellyfin/app/helmrelease.yaml", "memory: 1Gi", "memory: 4Gi")
    repo.replace(f"{APPS}/media/jellyfin/app/helmrelease.yaml", "cpu: 10m", "cpu: 100m")
    repo.commit("2026-09-19 20:55", "fix(media): jellyfin ran out of memory while scanning the library")

    list_apps(repo, "media", ["jellyfin", "sonarr"])
    ks(repo, "media", "sonarr", ["envoy-gateway"])
    parts(repo, "media", "sonarr", {
        "helmrelease.yaml": app("sonarr", "ghcr.io/home-operations/sonarr", "4.0.19.2997", 8989, """
            persistence:
              media:
                type: nfs
                server: nas.example.net
                path: /tank/media
            """, env="TZ: Europe/Berlin\nSONARR__APP__INSTANCENAME: Sonarr"),
    })
    repo.commit("2026-10-03 12:33", "feat(media): sonarr")
    bump(repo, "2026-10-06 06:14", f"{APPS}/media/sonarr/app/helmrelease.yaml", "ghcr.io/home-operations/sonarr", "4.0.19.2997", "4.0.19.3001")
    bump(repo, "2026-10-13 17:58", f"{APPS}/home/home-assistant/app/helmrelease.yaml", "ghcr.io/home-operations/home-assistant", "2026.8.1", "2026.8.3")
    repo.replace(f"{APPS}/selfhosted/miniflux/app/helmrelease.yaml", "POLLING_FREQUENCY: 30", "POLLING_FREQUENCY: 60")
    repo.commit("2026-10-24 10:10", "chore(miniflux): ask feeds once an hour")
    bump(repo, "2026-11-02 07:02", f"{APPS}/observability/kube-prometheus-stack/app/ocirepository.yaml", "kube-prometheus-stack", "88.0.0", "88.3.0", "chart")
    bump(repo, "2026-11-11 18:16", f"{APPS}/cert-manager/cert-manager/app/ocirepository.yaml", "cert-manager", "v1.21.0", "v1.21.1", "chart")
    repo.replace(f"{APPS}/kube-system/coredns/app/helmrelease.yaml", "replicaCount: 1", "replicaCount: 2")
    repo.commit("2026-11-18 08:47", "fix(coredns): two of them, one was down during every node update")
