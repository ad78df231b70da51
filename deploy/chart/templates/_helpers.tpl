{{- define "stringx.name" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name -}}
{{- $name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "stringx.image" -}}
{{- $image := printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- if .Values.image.digest -}}
{{- $image = printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- end -}}
{{- $image -}}
{{- end }}

{{/* Of what a Service or a NetworkPolicy selects; a list of the root and the role. */}}
{{- define "stringx.selector" -}}
app.kubernetes.io/name: stringx-dataops
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "stringx.labels" -}}
{{ include "stringx.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name ((index . 0).Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "stringx.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "stringx.name" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{- define "stringx.databaseSecret" -}}
{{- if and .Values.database.existingSecret .Values.database.url -}}
{{- fail "database.existingSecret and database.url are both set; keep one" -}}
{{- end -}}
{{- if and .Values.database.directKey .Values.database.url -}}
{{- fail "database.directKey is a key of a Secret of yours; give database.existingSecret instead of database.url" -}}
{{- end -}}
{{- .Values.database.existingSecret | default (printf "%s-database" (include "stringx.name" .)) -}}
{{- end }}

{{- define "stringx.keysSecret" -}}
{{- .Values.keys.existingSecret | default (printf "%s-keys" (include "stringx.name" .)) -}}
{{- end }}

{{- define "stringx.scheme" -}}
{{- ternary "https" "http" (ne .Values.ingress.tlsSecret "") -}}
{{- end }}

{{/* Where people reach the Backend; empty if nobody said so. */}}
{{- define "stringx.publicUrl" -}}
{{- if .Values.publicUrl -}}
{{- .Values.publicUrl -}}
{{- else if and .Values.ingress.enabled .Values.ingress.host -}}
{{- printf "%s://%s" (include "stringx.scheme" .) .Values.ingress.host -}}
{{- end -}}
{{- end }}

{{- define "stringx.docsUrl" -}}
{{- if .Values.docsUrl -}}
{{- .Values.docsUrl -}}
{{- else if and .Values.ingress.enabled .Values.ingress.docsHost -}}
{{- printf "%s://%s" (include "stringx.scheme" .) .Values.ingress.docsHost -}}
{{- end -}}
{{- end }}

{{/* Every name under which a Service can be called. */}}
{{- define "stringx.hosts" -}}
{{- $hosts := list -}}
{{- range $role := list "backend" "api" "docs" -}}
{{- $service := printf "%s-%s" (include "stringx.name" $) $role -}}
{{- $inNamespace := printf "%s.%s" $service $.Release.Namespace -}}
{{- $hosts = concat $hosts (list $service $inNamespace (printf "%s.svc" $inNamespace) (printf "%s.svc.%s" $inNamespace $.Values.clusterDomain)) -}}
{{- end -}}
{{- if .Values.ingress.enabled -}}
{{- $hosts = concat $hosts (compact (list .Values.ingress.host .Values.ingress.docsHost)) -}}
{{- end -}}
{{- concat $hosts .Values.allowedHosts | join "," -}}
{{- end }}

{{/* What every role is told; a list of the root and the role's own extraEnv. */}}
{{- define "stringx.env" -}}
{{- $root := index . 0 -}}
- name: BACKEND_URL
  value: http://{{ include "stringx.name" $root }}-backend:5002
- name: DATAOPS_URL
  value: http://{{ include "stringx.name" $root }}-api:5001
- name: ALLOWED_HOSTS
  value: {{ include "stringx.hosts" $root | quote }}
{{- with include "stringx.publicUrl" $root }}
- name: PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- with include "stringx.docsUrl" $root }}
- name: DOCS_URL
  value: {{ . | quote }}
{{- end }}
{{- range $name, $value := $root.Values.config }}
- name: {{ $name }}
  value: {{ if kindIs "float64" $value }}{{ $value | int64 | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- with concat $root.Values.extraEnv (index . 1) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Of the roles that make spans. */}}
{{- define "stringx.tracingEnv" -}}
{{- with .Values.tracing.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "stringx.databaseEnv" -}}
- name: STRINGX_DATABASE_URL_FILE
  value: /etc/stringx/database/url
{{- if (index . 0).Values.database.directKey }}
- name: STRINGX_DATABASE_DIRECT_URL_FILE
  value: /etc/stringx/database/direct-url
{{- end }}
{{- end }}

{{- define "stringx.keysEnv" -}}
- name: STRINGX_SERVICE_KEY_FILE
  value: /etc/stringx/keys/service-key
- name: STRINGX_SIGNING_SECRET_FILE
  value: /etc/stringx/keys/signing-secret
{{- end }}

{{- define "stringx.secretsEnv" -}}
- name: STRINGX_SECRETS
  value: /etc/stringx/secrets
{{- end }}

{{/* Pod Security `restricted`. */}}
{{- define "stringx.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
fsGroup: {{ int64 . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "stringx.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The beginning of every pod's specification; a list of the root, the role and the role's values. */}}
{{- define "stringx.pod" -}}
{{- $root := index . 0 -}}
{{- $values := index . 2 -}}
serviceAccountName: {{ include "stringx.serviceAccount" $root }}
automountServiceAccountToken: false
# variables such as BACKEND_PORT=tcp://… would be taken for settings
enableServiceLinks: false
terminationGracePeriodSeconds: 40
securityContext:
  {{- include "stringx.podSecurity" $root | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "stringx.spread" -}}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "stringx.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}

{{/* Waits until it is the role's turn in an upgrade: schema, Backend, DataOps, workers. */}}
{{- define "stringx.wait" -}}
- name: wait
  image: {{ include "stringx.image" (index . 0) }}
  imagePullPolicy: {{ (index . 0).Values.image.pullPolicy }}
  args: [wait, {{ index . 1 }}]
  securityContext:
    {{- include "stringx.containerSecurity" . | nindent 4 }}
  env:
    {{- include "stringx.databaseEnv" . | nindent 4 }}
  resources:
    requests: {cpu: 50m, memory: 64Mi}
    limits: {cpu: "1", memory: 128Mi}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    - {name: database, mountPath: /etc/stringx/database, readOnly: true}
    {{- with (index . 0).Values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- define "stringx.container" -}}
{{- $root := index . 0 -}}
image: {{ include "stringx.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args: [{{ index . 1 }}]
securityContext:
  {{- include "stringx.containerSecurity" . | nindent 2 }}
{{- end }}

{{- define "stringx.folders" -}}
- {name: tmp, mountPath: /tmp}
- {name: state, mountPath: /var/lib/stringx}
{{- end }}

{{/* The volumes of folders that a pod may write; a list of the size of its state. */}}
{{- define "stringx.folderVolumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
- name: state
  emptyDir: {sizeLimit: {{ index . 0 }}}
{{- end }}

{{- define "stringx.databaseVolume" -}}
- name: database
  secret:
    secretName: {{ include "stringx.databaseSecret" . }}
    defaultMode: 0440
    items:
      - {key: {{ .Values.database.key }}, path: url}
      {{- with .Values.database.directKey }}
      - {key: {{ . }}, path: direct-url}
      {{- end }}
{{- end }}

{{- define "stringx.keysVolume" -}}
- name: keys
  secret:
    secretName: {{ include "stringx.keysSecret" . }}
    defaultMode: 0440
    items:
      - {key: service-key, path: service-key}
      - {key: signing-secret, path: signing-secret}
{{- end }}

{{- define "stringx.secretsVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    {{- if .Values.secrets }}
    sources:
      {{- range .Values.secrets }}
      - secret:
          {{- toYaml . | nindent 10 }}
      {{- end }}
    {{- else }}
    sources: []
    {{- end }}
{{- end }}

{{/* A pod is replaced when what the chart put into a Secret changes. */}}
{{- define "stringx.podAnnotations" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.database.url }}
checksum/database: {{ . | sha256sum }}
{{- end }}
{{- with (index . 1).podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "stringx.deployment" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $values := index . 2 -}}
{{- if not (dig "autoscaling" "enabled" false $values) }}
replicas: {{ $values.replicas }}
{{- end }}
revisionHistoryLimit: 5
# migrations come first, and for the docs portal the first generation of each portal
progressDeadlineSeconds: 3600
strategy:
  type: RollingUpdate
  rollingUpdate:
    maxSurge: {{ ternary "25%" 1 (eq $role "worker") }}
    maxUnavailable: 0
selector:
  matchLabels:
    {{- include "stringx.selector" (list $root $role) | nindent 4 }}
{{- end }}

{{/* Probes of a service with HTTP; a list of the path that says whether it may get requests. */}}
{{- define "stringx.httpProbes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 150
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet: {path: {{ index . 0 }}, port: http}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
# requests go on coming until every node knows that the pod ends
lifecycle:
  preStop:
    exec: {command: [sleep, "5"]}
{{- end }}

{{/* Probes of a role without HTTP: the age of files that it touches every five seconds. */}}
{{- define "stringx.fileProbes" -}}
startupProbe:
  exec: {command: [sh, -c, {{ include "stringx.isFresh" (printf "%s.alive" (index . 0)) }}]}
  periodSeconds: 3
  timeoutSeconds: 5
  failureThreshold: 100
livenessProbe:
  exec: {command: [sh, -c, {{ include "stringx.isFresh" (printf "%s.alive" (index . 0)) }}]}
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 3
readinessProbe:
  exec: {command: [sh, -c, {{ include "stringx.isFresh" (printf "%s.ready" (index . 0)) }}]}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}

{{- define "stringx.isFresh" -}}
'test -n "$(find /tmp/{{ . }} -newermt "30 seconds ago")"'
{{- end }}
