{{- define "movierec.name" -}}
{{- printf "%s" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "movierec.labels" -}}
app.kubernetes.io/name: movierec
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "movierec.metadata" -}}
name: {{ include "movierec.name" .root }}-{{ .part }}
labels:
  {{- include "movierec.labels" . | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- define "movierec.selector" -}}
matchLabels:
  {{- include "movierec.labels" . | nindent 2 }}
{{- end -}}

{{- define "movierec.podMetadata" -}}
labels:
  {{- include "movierec.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* What all pods have: no right in the cluster, no root, nothing to write to but two folders. */ -}}
{{- define "movierec.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "movierec.container" -}}
image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
  {{- toYaml .resources | nindent 2 }}
volumeMounts:
  - {name: state, mountPath: /var/lib/movierec}
  - {name: tmp, mountPath: /tmp}
env:
  {{- $names := list "DATABASE_URL" "REDIS_URL" "MOVIEREC_SECRET_KEY" "MOVIEREC_ADMIN_PASSWORD" }}
  {{- range $name := concat $names .root.Values.secrets.more }}
  - name: {{ $name }}
    valueFrom:
      secretKeyRef: {name: {{ $.root.Values.secrets.name }}, key: {{ $name }}}
  {{- end }}
  {{- with .root.Values.secrets.modelStore }}
  {{- range $name := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
  - name: {{ $name }}
    valueFrom:
      secretKeyRef: {name: {{ $.root.Values.secrets.modelStore }}, key: {{ $name }}}
  {{- end }}
  {{- end }}
  - {name: MOVIEREC_PRODUCTION, value: "1"}
  - {name: MOVIEREC_ALLOWED_HOSTS, value: {{ join "," .root.Values.site.hosts | quote }}}
  - {name: MOVIEREC_TRUSTED_ORIGINS, value: {{ join "," .root.Values.site.trustedOrigins | quote }}}
  - {name: MOVIEREC_BEHIND_PROXY, value: {{ ternary "1" "0" .root.Values.site.behindProxy | quote }}}
  - {name: MOVIEREC_MODELS_URL, value: {{ required "modelsUrl: pods share no disk" .root.Values.modelsUrl | quote }}}
  {{- range $name, $value := .env }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
  {{- range $name, $value := .root.Values.env }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
{{- end -}}

{{- define "movierec.volumes" -}}
- name: tmp
  emptyDir: {}
- name: state
  emptyDir: {sizeLimit: {{ .Values.stateSize }}}
{{- end -}}

{{- define "movierec.celeryProbe" -}}
exec:
  command: [sh, -c, "python -m celery -A movierec inspect ping --timeout 5 --destination {{ . }}@$HOSTNAME"]
initialDelaySeconds: 60
periodSeconds: 60
timeoutSeconds: 20
failureThreshold: 3
{{- end -}}
