"""An Argo CD app-of-apps: Applications, an ApplicationSet, a project, a chart with values from git, Kustomize overlays."""

from .repository import Repository, text

REPO = "https://git.example.net/samples/argo-apps.git"


def application(name: str, namespace: str, source: str, project: str = "platform", wave: int = 0) -> str:
    """An Application; `source` is the block below `spec`, `source:` or `sources:`."""
    indented = "".join(f"  {line}\n" for line in text(source).splitlines())
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
  namespace: argocd
  annotations:
    argocd.argoproj.io/sync-wave: "{wave}"
  finalizers:
    - resources-finalizer.argocd.argoproj.io
spec:
  project: {project}
  destination:
    server: https://kubernetes.default.svc
    namespace: {namespace}
{indented}  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - CreateNamespace=true
      - ServerSideApply=true
"""


def chart(url: str, name: str, version: str, values: str = "") -> str:
    block = f"source:\n  repoURL: {url}\n  chart: {name}\n  targetRevision: {version}\n"
    if values:
        block += "  helm:\n    valuesObject:\n" + "".join(f"      {line}\n" for line in text(values).splitlines())
    return block


def folder(path: str) -> str:
    return f"source:\n  repoURL: {REPO}\n  path: {path}\n  targetRevision: main\n"


def workload(name: str, image: str, port: int, replicas: int = 1, extra: str = "") -> str:
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: {name}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      containers:
        - name: {name}
          image: {image}
          ports:
            - name: http
              containerPort: {port}
          readinessProbe:
            httpGet:
              path: /
              port: http
{extra}---
apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - name: http
      port: 80
      targetPort: http
"""


def ingress(name: str, host: str) -> str:
    return f"""apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  annotations:
    cert-manager.io/cluster-issuer: letsencrypt
spec:
  ingressClassName: nginx
  rules:
    - host: {host}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {name}
                port:
                  name: http
  tls:
    - hosts: [{host}]
      secretName: {name}-tls
"""


def kustomization(resources: list[str], more: str = "", kind: str = "Kustomization", version: str = "v1beta1") -> str:
    entries = "".join(f"  - {r}\n" for r in resources)
    return f"apiVersion: kustomize.config.k8s.io/{version}\nkind: {kind}\nresources:\n{entries}" + text(more)


def build() -> Repository:
    repo = Repository("argo-apps", "An Argo CD app-of-apps: applications, an application set, Kustomize overlays")
    bootstrap(repo)
    shop(repo)
    platform(repo)
    growing(repo)
    this_autumn(repo)
    return repo


def bump(repo: Repository, when: str, path: str, what: str, old: str, new: str) -> None:
    repo.replace(path, old, new)
    repo.commit(when, f"chore(deps): update {what} to {new if new.startswith('v') else 'v' + new}", by="bot")


def bootstrap(repo: Repository) -> None:
    repo.write("README.md", "# Argo apps\n\nA sample that Kubestats brings: one root application, everything else below it.\n")
    repo.write("bootstrap/root.yaml", application("root", "argocd", folder("apps"), project="default"))
    repo.write("projects/platform.yaml", text("""
        apiVersion: argoproj.io/v1alpha1
        kind: AppProject
        metadata:
          name: platform
          namespace: argocd
        spec:
          description: What every team stands on
          sourceRepos: ["*"]
          destinations:
            - server: https://kubernetes.default.svc
              namespace: "*"
          clusterResourceWhitelist:
            - group: "*"
              kind: "*"
        """))
    repo.commit("2025-09-24 09:30", "Bootstrap: a root application and a project")

    repo.write("apps/argocd.yaml", application("argocd", "argocd", chart(
        "https://argoproj.github.io/argo-helm", "argo-cd", "8.5.2", """
        configs:
          params:
            server.insecure: true
        dex:
          enabled: false
        """), wave=-10))
    repo.commit("2025-09-24 10:05", "Let Argo CD manage itself")
    repo.write("apps/cert-manager.yaml", application("cert-manager", "cert-manager", chart(
        "https://charts.jetstack.io", "cert-manager", "v1.18.2", """
        crds:
          enabled: true
        """), wave=-5))
    repo.write("apps/ingress-nginx.yaml", application("ingress-nginx", "ingress-nginx", chart(
        "https://kubernetes.github.io/ingress-nginx", "ingress-nginx", "4.13.2", """
        controller:
          replicaCount: 2
          service:
            externalTrafficPolicy: Local
        """), wave=-5))
    repo.commit("2025-09-24 11:47", "Add cert-manager and ingress-nginx")
    repo.write("manifests/issuers/letsencrypt.yaml", text("""
        apiVersion: cert-manager.io/v1
        kind: ClusterIssuer
        metadata:
          name: letsencrypt
        spec:
          acme:
            server: https://acme-v02.api.letsencrypt.org/directory
            privateKeySecretRef:
              name: letsencrypt
            solvers:
              - http01:
                  ingress:
                    ingressClassName: nginx
        """))
    repo.write("apps/issuers.yaml", application("issuers", "cert-manager", folder("manifests/issuers"), wave=-4))
    repo.commit("2025-09-25 08:14", "Issue certificates by HTTP")


def shop(repo: Repository) -> None:
    repo.write("projects/shop.yaml", text("""
        apiVersion: argoproj.io/v1alpha1
        kind: AppProject
        metadata:
          name: shop
          namespace: argocd
        spec:
          description: The shop in all its stages
          sourceRepos:
            - https://git.example.net/samples/argo-apps.git
          destinations:
            - server: https://kubernetes.default.svc
              namespace: shop-*
        """))
    repo.write("shop/base/frontend.yaml", workload("frontend", "docker.io/library/nginx:1.28.0", 80))
    repo.write("shop/base/kustomization.yaml", kustomization(["frontend.yaml"]))
    repo.write("shop/overlays/staging/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop-staging\n")
    repo.write("shop/overlays/staging/ingress.yaml", ingress("frontend", "staging.shop.example.net"))
    repo.write("shop/overlays/staging/kustomization.yaml",
               kustomization(["../../base", "namespace.yaml", "ingress.yaml"], "namespace: shop-staging\n"))
    repo.write("apps/shop-staging.yaml", application("shop-staging", "shop-staging", folder("shop/overlays/staging"), "shop"))
    repo.commit("2025-10-02 13:22", "Shop: a front page on staging")

    repo.write("shop/base/cart.yaml", workload("cart", "docker.io/library/redis:8.2.1", 6379).replace(
        "          readinessProbe:\n            httpGet:\n              path: /\n              port: http\n",
        "          readinessProbe:\n            tcpSocket:\n              port: http\n"))
    repo.write("shop/base/config.yaml", text("""
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: shop
        data:
          CURRENCY: EUR
          CART_TTL_HOURS: "48"
        """))
    repo.write("shop/base/kustomization.yaml", kustomization(["config.yaml", "frontend.yaml", "cart.yaml"]))
    repo.commit("2025-10-06 15:51", "Shop: remember what is in the cart")

    repo.write("shop/overlays/production/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop-production\n")
    repo.write("shop/overlays/production/ingress.yaml", ingress("frontend", "shop.example.net"))
    repo.write("shop/overlays/production/replicas.yaml", text("""
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: frontend
        spec:
          replicas: 3
        """))
    repo.write("shop/overlays/production/kustomization.yaml", kustomization(
        ["../../base", "namespace.yaml", "ingress.yaml"], "namespace: shop-production\npatches:\n  - path: replicas.yaml\n"))
    repo.write("apps/shop-production.yaml", application("shop-production", "shop-production", folder("shop/overlays/production"), "shop"))
    repo.commit("2025-10-20 09:00", "Shop: open to the public")
    repo.replace("shop/overlays/production/replicas.yaml", "replicas: 3", "replicas: 5")
    repo.commit("2025-10-20 12:40", "Shop: more front pages, we are in the news")
    repo.replace("shop/overlays/production/replicas.yaml", "replicas: 5", "replicas: 3")
    repo.commit("2025-10-27 10:12", "Shop: back to three front pages")
    bump(repo, "2025-11-03 05:20", "apps/argocd.yaml", "helm release argo-cd", "8.5.2", "9.0.5")
    bump(repo, "2025-11-05 05:21", "apps/ingress-nginx.yaml", "helm release ingress-nginx", "4.13.2", "4.13.3")
    bump(repo, "2025-11-12 05:20", "apps/cert-manager.yaml", "helm release cert-manager", "v1.18.2", "v1.19.1")


def platform(repo: Repository) -> None:
    repo.write("values/prometheus.yaml", text("""
        grafana:
          ingress:
            enabled: true
            hosts: [grafana.example.net]
        prometheus:
          prometheusSpec:
            retention: 14d
        """))
    repo.write("apps/monitoring.yaml", application("monitoring", "monitoring", f"""
        sources:
          - repoURL: https://prometheus-community.github.io/helm-charts
            chart: kube-prometheus-stack
            targetRevision: 79.5.0
            helm:
              valueFiles:
                - $values/values/prometheus.yaml
          - repoURL: {REPO}
            targetRevision: main
            ref: values
        """))
    repo.commit("2025-11-17 14:05", "Add monitoring, with its values beside it")
    repo.replace("values/prometheus.yaml", "retention: 14d", "retention: 30d")
    repo.commit("2025-11-24 11:18", "Monitoring: keep a month")
    bump(repo, "2025-12-08 05:20", "apps/monitoring.yaml", "helm release kube-prometheus-stack", "79.5.0", "80.0.0")
    bump(repo, "2025-12-10 05:20", "shop/base/frontend.yaml", "docker.io/library/nginx docker tag", "1.28.0", "1.29.1")

    repo.write("teams/blue/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-blue\n")
    repo.write("teams/blue/quota.yaml", text("""
        apiVersion: v1
        kind: ResourceQuota
        metadata:
          name: quota
        spec:
          hard:
            requests.cpu: "4"
            requests.memory: 8Gi
        """))
    repo.write("teams/blue/kustomization.yaml", kustomization(["namespace.yaml", "quota.yaml"], "namespace: team-blue\n"))
    repo.write("apps/teams.yaml", text("""
        apiVersion: argoproj.io/v1alpha1
        kind: ApplicationSet
        metadata:
          name: teams
          namespace: argocd
        spec:
          goTemplate: true
          goTemplateOptions: [missingkey=error]
          generators:
            - git:
                repoURL: https://git.example.net/samples/argo-apps.git
                revision: main
                directories:
                  - path: teams/*
          template:
            metadata:
              name: "team-{{ .path.basename }}"
            spec:
              project: platform
              source:
                repoURL: https://git.example.net/samples/argo-apps.git
                targetRevision: main
                path: "{{ .path.path }}"
              destination:
                server: https://kubernetes.default.svc
                namespace: "team-{{ .path.basename }}"
              syncPolicy:
                automated:
                  prune: true
        """))
    repo.commit("2026-01-08 10:32", "Teams: a namespace and a quota for each, by an application set")
    for file in ("namespace.yaml", "quota.yaml", "kustomization.yaml"):
        repo.write(f"teams/green/{file}", repo.read(f"teams/blue/{file}").replace("blue", "green"))
    repo.commit("2026-01-15 16:20", "Teams: welcome, green")
    repo.replace("teams/blue/quota.yaml", "8Gi", "16Gi")
    repo.commit("2026-01-22 09:44", "Teams: blue gets more memory")


def growing(repo: Repository) -> None:
    bump(repo, "2026-02-04 05:20", "apps/cert-manager.yaml", "helm release cert-manager", "v1.19.1", "v1.19.3")
    repo.write("shop/base/orders.yaml", text("""
        apiVersion: apps/v1
        kind: StatefulSet
        metadata:
          name: orders
          labels:
            app.kubernetes.io/name: orders
        spec:
          serviceName: orders
          replicas: 1
          selector:
            matchLabels:
              app.kubernetes.io/name: orders
          template:
            metadata:
              labels:
                app.kubernetes.io/name: orders
            spec:
              containers:
                - name: postgres
                  image: docker.io/library/postgres:17.6
                  envFrom:
                    - secretRef:
                        name: orders
                    - configMapRef:
                        name: shop
                  ports:
                    - name: postgres
                      containerPort: 5432
                  volumeMounts:
                    - name: data
                      mountPath: /var/lib/postgresql/data
          volumeClaimTemplates:
            - metadata:
                name: data
              spec:
                accessModes: [ReadWriteOnce]
                resources:
                  requests:
                    storage: 10Gi
        ---
        apiVersion: v1
        kind: Service
        metadata:
          name: orders
        spec:
          clusterIP: None
          selector:
            app.kubernetes.io/name: orders
          ports:
            - name: postgres
              port: 5432
        """))
    repo.write("shop/base/backup.yaml", text("""
        apiVersion: batch/v1
        kind: CronJob
        metadata:
          name: orders-backup
        spec:
          schedule: "17 3 * * *"
          concurrencyPolicy: Forbid
          jobTemplate:
            spec:
              template:
                spec:
                  restartPolicy: OnFailure
                  containers:
                    - name: dump
                      image: docker.io/library/postgres:17.6
                      command: [sh, -c, "pg_dump --host orders --format custom shop > /backup/shop-$(date +%F).dump"]
                      envFrom:
                        - secretRef:
                            name: orders
                      volumeMounts:
                        - name: backup
                          mountPath: /backup
                  volumes:
                    - name: backup
                      persistentVolumeClaim:
                        claimName: backup
        """))
    repo.write("shop/base/kustomization.yaml",
               kustomization(["config.yaml", "frontend.yaml", "cart.yaml", "orders.yaml", "backup.yaml"]))
    repo.commit("2026-02-16 13:07", "Shop: orders go into a database, and out of it every night")
    repo.replace("shop/base/config.yaml", 'CART_TTL_HOURS: "48"', 'CART_TTL_HOURS: "72"')
    repo.replace("shop/base/config.yaml", "  CURRENCY: EUR\n", "  CURRENCY: EUR\n  LANGUAGES: de,en,fr\n")
    repo.commit("2026-03-02 10:55", "Shop: three languages, and carts live longer")
    bump(repo, "2026-03-11 05:20", "apps/argocd.yaml", "helm release argo-cd", "9.0.5", "9.4.2")

    repo.write("shop/overlays/production/autoscale.yaml", text("""
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata:
          name: frontend
        spec:
          scaleTargetRef:
            apiVersion: apps/v1
            kind: Deployment
            name: frontend
          minReplicas: 3
          maxReplicas: 12
          metrics:
            - type: Resource
              resource:
                name: cpu
                target:
                  type: Utilization
                  averageUtilization: 70
        """))
    repo.delete("shop/overlays/production/replicas.yaml")
    repo.write("shop/overlays/production/kustomization.yaml", kustomization(
        ["../../base", "namespace.yaml", "ingress.yaml", "autoscale.yaml"], "namespace: shop-production\n"))
    repo.commit("2026-03-30 15:36", "Shop: let the load say how many front pages")

    repo.move("shop", "workloads/shop")
    for stage in ("staging", "production"):
        repo.replace(f"apps/shop-{stage}.yaml", "path: shop/", "path: workloads/shop/")
    repo.commit("2026-04-13 09:21", "Move the shop below workloads", "Other workloads are to come beside it.\n")
    bump(repo, "2026-04-20 05:20", "apps/cert-manager.yaml", "helm release cert-manager", "v1.19.3", "v1.20.2")

    repo.write("workloads/docs/docs.yaml", workload("docs", "docker.io/library/httpd:2.4.65", 80, replicas=2))
    repo.write("workloads/docs/ingress.yaml", ingress("docs", "docs.example.net"))
    repo.write("workloads/docs/kustomization.yaml", kustomization(["docs.yaml", "ingress.yaml"], "namespace: docs\n"))
    repo.write("apps/docs.yaml", application("docs", "docs", folder("workloads/docs")))
    repo.commit("2026-05-04 14:48", "Docs: serve the handbook")
    bump(repo, "2026-05-18 05:20", "workloads/shop/base/frontend.yaml", "docker.io/library/nginx docker tag", "1.29.1", "1.29.4")
    repo.replace("workloads/shop/base/orders.yaml", "postgres:17.6", "postgres:17.7")
    repo.replace("workloads/shop/base/backup.yaml", "postgres:17.6", "postgres:17.7")
    repo.commit("2026-06-01 05:20", "chore(deps): update docker.io/library/postgres docker tag to v17.7", by="bot")


def this_autumn(repo: Repository) -> None:
    repo.delete("teams/green")
    repo.commit("2026-06-22 11:30", "Teams: green goes on as part of blue")
    bump(repo, "2026-07-16 05:20", "apps/cert-manager.yaml", "helm release cert-manager", "v1.20.2", "v1.21.0")
    bump(repo, "2026-07-27 05:20", "apps/monitoring.yaml", "helm release kube-prometheus-stack", "80.0.0", "87.19.2")

    repo.write("apps/gateway.yaml", application("gateway", "envoy-gateway", """
        source:
          repoURL: mirror.gcr.io/envoyproxy
          chart: gateway-helm
          targetRevision: 1.8.3
        """, wave=-5))
    repo.write("manifests/gateway/gateway.yaml", text("""
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
          name: public
          namespace: envoy-gateway
        spec:
          gatewayClassName: envoy
          listeners:
            - name: http
              protocol: HTTP
              port: 80
              allowedRoutes:
                namespaces:
                  from: All
        """))
    repo.write("apps/gateway-config.yaml", application("gateway-config", "envoy-gateway", folder("manifests/gateway"), wave=-4))
    repo.commit("2026-08-10 10:03", "Add a gateway beside the ingress controller")
    for name, host, where in (("docs", "docs.example.net", "workloads/docs"),
                              ("frontend", "staging.shop.example.net", "workloads/shop/overlays/staging")):
        repo.write(f"{where}/route.yaml", text(f"""
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata:
              name: {name}
            spec:
              parentRefs:
                - name: public
                  namespace: envoy-gateway
              hostnames: [{host}]
              rules:
                - backendRefs:
                    - name: {name}
                      port: 80
            """))
        repo.replace(f"{where}/kustomization.yaml", "ingress.yaml", "route.yaml")
        repo.delete(f"{where}/ingress.yaml")
    repo.commit("2026-08-24 14:15", "Docs and staging go through the gateway")
    where = "workloads/shop/overlays/production"
    repo.write(f"{where}/route.yaml", repo.read("workloads/shop/overlays/staging/route.yaml").replace("staging.shop", "shop"))
    repo.replace(f"{where}/kustomization.yaml", "ingress.yaml", "route.yaml")
    repo.delete(f"{where}/ingress.yaml")
    repo.commit("2026-09-07 08:20", "Production goes through the gateway")
    repo.delete(f"{where}/route.yaml")
    repo.write(f"{where}/ingress.yaml", ingress("frontend", "shop.example.net"))
    repo.replace(f"{where}/kustomization.yaml", "route.yaml", "ingress.yaml")
    repo.commit("2026-09-07 09:02", 'Revert "Production goes through the gateway"', "Nobody had told the payment provider.\n")
    repo.write(f"{where}/route.yaml", repo.read("workloads/shop/overlays/staging/route.yaml").replace("staging.shop", "shop"))
    repo.replace(f"{where}/kustomization.yaml", "ingress.yaml", "route.yaml")
    repo.delete(f"{where}/ingress.yaml")
    repo.commit("2026-09-21 08:00", "Production goes through the gateway, second try")
    repo.delete("apps/ingress-nginx.yaml")
    repo.replace("manifests/issuers/letsencrypt.yaml", text("""
        ingress:
          ingressClassName: nginx
        """).replace("\n", "\n          ").strip(), text("""
        gatewayHTTPRoute:
          parentRefs:
            - name: public
              namespace: envoy-gateway
        """).replace("\n", "\n          ").strip())
    repo.commit("2026-10-05 13:29", "Retire ingress-nginx")
    repo.replace("apps/gateway.yaml", "1.8.3", "1.9.0")
    repo.commit("2026-10-12 05:20", "chore(deps): update gateway-helm docker tag to v1.9.0", by="bot")
    bump(repo, "2026-10-26 05:20", "apps/cert-manager.yaml", "helm release cert-manager", "v1.21.0", "v1.21.1")
    repo.replace("workloads/shop/overlays/production/autoscale.yaml", "maxReplicas: 12", "maxReplicas: 24")
    repo.commit("2026-11-09 16:50", "Shop: make room for the season")
    bump(repo, "2026-11-16 05:20", "apps/monitoring.yaml", "helm release kube-prometheus-stack", "87.19.2", "88.3.0")
