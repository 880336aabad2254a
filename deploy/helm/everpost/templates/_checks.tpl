{{- /* What no schema can say in words that help: each refusal names the value and how to mend it. */}}
{{- define "everpost.checks" -}}
{{- $v := .Values -}}
{{- if not $v.image.repository -}}
{{- fail "image.repository is missing: where the cluster pulls the image from, such as ghcr.io/OWNER/everpost" -}}
{{- end -}}
{{- if eq $v.image.tag "latest" -}}
{{- fail "image.tag is latest, which is another image tomorrow: name a version, or image.digest" -}}
{{- end -}}
{{- if not $v.store.url -}}
{{- fail "store.url is missing: postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full" -}}
{{- end -}}
{{- range $name := list "store" "health" "wakeup" -}}
{{- if regexMatch "://[^/@]*:[^/@]*@" (index $v $name).url -}}
{{- fail (printf "%s.url holds a password, which everybody could read: put it into a Secret, and name that as %s.passwordSecret" $name $name) -}}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^postgres://" $v.store.url) -}}
{{- fail (printf "store.url is %q: pods share no disk, so mail must be kept in PostgreSQL, as postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full; SQLite is for one server" $v.store.url) -}}
{{- end -}}
{{- if not (regexMatch "^postgres://[^/@]+@[^/@]+/[^?]+" $v.store.url) -}}
{{- fail (printf "store.url is %q: a user, a host and a database are needed, as in postgres://USER@HOST:PORT/DATABASE" $v.store.url) -}}
{{- end -}}
{{- range $name := list "health" "wakeup" -}}
{{- $url := (index $v $name).url -}}
{{- if not (regexMatch "^(store$|valkeys?://)" $url) -}}
{{- fail (printf "%s.url is %q: `store`, or valkeys://HOST:PORT" $name $url) -}}
{{- end -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.hosts) -}}
{{- fail "ingress.hosts is empty: name the hosts by which clients reach the API, such as mail.example.com" -}}
{{- end -}}
{{- range $name := list "api" "worker" -}}
{{- $scaling := (index $v $name).scaling -}}
{{- if gt (int $scaling.min) (int $scaling.max) -}}
{{- fail (printf "%s.scaling.min is %d, more than %s.scaling.max, which is %d" $name (int $scaling.min) $name (int $scaling.max)) -}}
{{- end -}}
{{- end -}}
{{- if and $v.monitoring.rules (not (.Files.Get "rules.yml")) -}}
{{- fail "monitoring.rules: this copy of the chart has no rules.yml, which a link leads to from deploy/prometheus" -}}
{{- end -}}
{{- if $v.worker.scaling.enabled -}}
{{- if not $v.monitoring.enabled -}}
{{- fail "worker.scaling needs monitoring.enabled: it follows a figure that Prometheus collects" -}}
{{- end -}}
{{- if and (eq $v.worker.scaling.by "keda") (not $v.worker.scaling.prometheusUrl) -}}
{{- fail "worker.scaling.prometheusUrl is missing: where KEDA asks for the figure, such as http://prometheus.monitoring:9090" -}}
{{- end -}}
{{- end -}}
{{- include "everpost.configChecks" . -}}
{{- end }}

{{- /* The ConfigMap is no place for secrets, and what the values say is not said twice. */}}
{{- define "everpost.configChecks" -}}
{{- $config := .Values.config -}}
{{- if not (trim $config) -}}
{{- fail "config is missing: the text of everpost.toml, as by --set-file config=everpost.toml" -}}
{{- end -}}
{{- $top := index (regexSplit "(?m)^\\s*\\[" $config 2) 0 -}}
{{- with regexFind "(?m)^\\s*(store|store_password|health|health_password|wakeup|wakeup_password|data)\\s*=" $top -}}
{{- fail (printf "config sets `%s`, which the chart's own values say: take it out of config" (regexFind "\\w+" .)) -}}
{{- end -}}
{{- range regexFindAll "\\b(access_key_id|api_key|lookup_api_key|password|secret_access_key|secret_key|session_token|webhook_secret)\\s*=\\s*[\"'][^\"']*[\"']" $config -1 -}}
{{- if not (regexMatch "=\\s*[\"'](\\$|file:|ssm:|secretsmanager:)" .) -}}
{{- fail (printf "config holds a secret in `%s`: name it instead, as \"$NAME\" (see secrets.environment) or \"file:PATH\" (see secrets.files)" (regexFind "\\w+" .)) -}}
{{- end -}}
{{- end -}}
{{- end }}
