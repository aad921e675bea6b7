{{- define "kubestats.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "kubestats.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "kubestats.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "kubestats.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "kubestats.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kubestats.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kubestats.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "kubestats.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "kubestats.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "kubestats.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "kubestats.image" -}}
{{- $image := .Values.image }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{- define "kubestats.claim" -}}
{{- default (printf "%s-data" (include "kubestats.fullname" .)) .Values.persistence.existingClaim }}
{{- end }}

{{/* Names that requests may be for, with commas between them. */}}
{{- define "kubestats.hosts" -}}
{{- $hosts := concat .Values.allowedHosts (dig "app" "allowed_hosts" list .Values.config) }}
{{- if .Values.ingress.enabled }}
{{- range .Values.ingress.hosts }}{{ $hosts = append $hosts .host }}{{ end }}
{{- end }}
{{- if .Values.httpRoute.enabled }}
{{- $hosts = concat $hosts .Values.httpRoute.hostnames }}
{{- end }}
{{- $hosts | uniq | join "," }}
{{- end }}

{{/*
Where people find it by https: the first name with a certificate, or the route's. Names with a * are no address, and nothing is
said where extraEnv says it.
*/}}
{{- define "kubestats.derivedUrl" -}}
{{- $hosts := list }}
{{- if .Values.ingress.enabled }}
{{- range $rule := .Values.ingress.hosts }}
{{- range $tls := $.Values.ingress.tls }}
{{- $names := default (list $rule.host) $tls.hosts }}
{{- if or (has $rule.host $names) (has (regexReplaceAll "^[^.]+" $rule.host "*") $names) }}{{ $hosts = append $hosts $rule.host }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.httpRoute.enabled }}
{{- $hosts = concat $hosts .Values.httpRoute.hostnames }}
{{- end }}
{{- $found := "" }}
{{- range $hosts }}
{{- if not (or $found (hasPrefix "*" .)) }}{{ $found = printf "https://%s" . }}{{ end }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if eq .name "KUBESTATS_SERVER_PUBLIC_URL" }}{{ $found = "" }}{{ end }}
{{- end }}
{{- $found }}
{{- end }}

{{/* A pod: (dict "root" . "component" "web" "args" (list ...) "resources" ... "data" <a volume's source>) */}}
{{- define "kubestats.pod" -}}
{{- $root := .root }}
{{- with $root }}
metadata:
  labels:
    {{- include "kubestats.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/component: {{ $.component }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ toYaml .Values.config | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "kubestats.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: kubestats
      image: {{ include "kubestats.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: {{ toJson $.args }}
      env:
        - {name: KUBESTATS_CONFIG, value: /etc/kubestats/kubestats.yaml}
        - {name: KUBESTATS_APP_DATA_DIR, value: /data}
        - {name: KUBESTATS_APP_LOG_FORMAT, value: json}
        {{- with include "kubestats.hosts" . }}
        - {name: KUBESTATS_APP_ALLOWED_HOSTS, value: {{ . | quote }}}
        {{- end }}
        {{- if not (dig "server" "public_url" "" .Values.config) }}
        {{- with include "kubestats.derivedUrl" . }}
        # Cookies are for https alone, and links lead there.
        - {name: KUBESTATS_SERVER_PUBLIC_URL, value: {{ . | quote }}}
        {{- end }}
        {{- end }}
        {{- with .Values.secretKey }}
        {{- if .name }}
        - name: KUBESTATS_SECRET_KEY
          valueFrom: {secretKeyRef: {name: {{ .name }}, key: {{ .key }}}}
        {{- end }}
        {{- if .previous.name }}
        - name: KUBESTATS_SECRET_KEY_PREVIOUS
          valueFrom: {secretKeyRef: {name: {{ .previous.name }}, key: {{ .previous.key }}}}
        {{- end }}
        {{- end }}
        {{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (not (dig "server" "max_connections_per_address" "" .Values.config)) }}
        # Everybody comes through the proxy's few addresses.
        - {name: KUBESTATS_SERVER_MAX_CONNECTIONS_PER_ADDRESS, value: "off"}
        {{- end }}
        {{- if eq .Values.database.type "postgres" }}
        - {name: KUBESTATS_STORAGE_TYPE, value: postgres}
        {{- with .Values.database.urlSecret }}
        {{- if .name }}
        - name: DATABASE_URL
          valueFrom: {secretKeyRef: {name: {{ .name }}, key: {{ .key }}}}
        {{- end }}
        {{- end }}
        {{- end }}
        {{- if .Values.metrics.enabled }}
        - {name: KUBESTATS_SERVER_METRICS_LISTEN, value: "0.0.0.0:9090"}
        {{- with .Values.metrics.tokenSecret }}
        {{- if .name }}
        - name: KUBESTATS_SERVER_METRICS_TOKEN
          valueFrom: {secretKeyRef: {name: {{ .name }}, key: {{ .key }}}}
        {{- end }}
        {{- end }}
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .Values.existingSecret }}
      envFrom:
        - secretRef: {name: {{ . }}}
      {{- end }}
      ports:
        - {name: http, containerPort: 3000}
        {{- if .Values.metrics.enabled }}
        - {name: metrics, containerPort: 9090}
        {{- end }}
      startupProbe:
        httpGet: {path: /health/live, port: http}
        periodSeconds: 5
        # The schema is brought up to date first, which takes minutes where much is stored.
        failureThreshold: 120
      livenessProbe:
        httpGet: {path: /health/live, port: http}
        periodSeconds: 20
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /health/ready, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 2
      resources:
        {{- toYaml $.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
        - {name: config, mountPath: /etc/kubestats, readOnly: true}
  volumes:
    - name: data
      {{- toYaml $.data | nindent 6 }}
    - name: tmp
      emptyDir: {sizeLimit: 256Mi}
    - name: config
      configMap: {name: {{ include "kubestats.fullname" . }}}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
  {{- else if ne $.component "all" }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "kubestats.selectorLabels" . | nindent 10 }}
          app.kubernetes.io/component: {{ $.component }}
  {{- end }}
{{- end }}
{{- end }}
