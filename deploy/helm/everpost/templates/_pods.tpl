{{- /* What each kind of pod runs, and where it answers. A worker has no clients that must find another pod first. */}}
{{- define "everpost.parts" -}}
api: { args: [serve, --no-work], port: 8025, leaveS: 5 }
worker: { args: [work], port: 8030, leaveS: 0 }
{{- end }}

{{- /* Until a pod is killed: leaving the Service, what a graceful stop may take (5 s for requests, 10 s for attempts),
       and as much again for a busy node. */}}
{{- define "everpost.stopS" -}}
{{- add .leaveS 30 -}}
{{- end }}

{{- define "everpost.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "everpost.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "everpost.storeUrl" -}}
{{- $store := .Values.store -}}
{{- $store.url -}}
{{- if $store.authoritySecret.name -}}
{{- ternary "&" "?" (contains "?" $store.url) -}}
sslrootcert=/run/secrets/everpost-store/{{ $store.authoritySecret.key }}
{{- end -}}
{{- end }}

{{- define "everpost.storeMounts" -}}
- { name: tmp, mountPath: /tmp }
{{- if .Values.store.authoritySecret.name }}
- { name: store, mountPath: /run/secrets/everpost-store, readOnly: true }
{{- end }}
{{- end }}

{{- define "everpost.storeVolumes" -}}
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
{{- with .Values.store.authoritySecret }}
{{- if .name }}
- name: store
  secret: { secretName: {{ .name | quote }}, items: [{ key: {{ .key | quote }}, path: {{ .key | quote }} }] }
{{- end }}
{{- end }}
{{- end }}

{{- /* The store alone: all that a migration needs. */}}
{{- define "everpost.storeEnvironment" -}}
- name: EVERPOST_STORE
  value: {{ include "everpost.storeUrl" . | quote }}
{{- include "everpost.password" (dict "variable" "EVERPOST_STORE_PASSWORD" "secret" .Values.store.passwordSecret) }}
- name: EVERPOST_LOG_LEVEL
  value: {{ .Values.logLevel }}
{{- end }}

{{- define "everpost.password" -}}
{{- if .secret.name }}
- name: {{ .variable }}
  valueFrom: { secretKeyRef: { name: {{ .secret.name | quote }}, key: {{ .secret.key | quote }} } }
{{- end }}
{{- end }}

{{- define "everpost.environment" -}}
{{ include "everpost.storeEnvironment" . }}
- name: EVERPOST_DATA
  value: /tmp/everpost
- name: EVERPOST_HEALTH
  value: {{ .Values.health.url | quote }}
{{- include "everpost.password" (dict "variable" "EVERPOST_HEALTH_PASSWORD" "secret" .Values.health.passwordSecret) }}
- name: EVERPOST_WAKEUP
  value: {{ .Values.wakeup.url | quote }}
{{- include "everpost.password" (dict "variable" "EVERPOST_WAKEUP_PASSWORD" "secret" .Values.wakeup.passwordSecret) }}
{{- with .Values.publicUrl }}
- name: EVERPOST_HTTP_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "everpost.listen" -}}
{{- $prefix := ternary "EVERPOST_HTTP" "EVERPOST_WORK" (eq .part "api") -}}
- name: {{ $prefix }}_HOST
  value: 0.0.0.0
- name: {{ $prefix }}_PORT
  value: {{ .port | quote }}
{{- end }}

{{- define "everpost.probes" -}}
startupProbe: # looks often, so that a pod is of use as soon as it can be
  httpGet: { path: /livez, port: http }
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /livez, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}
