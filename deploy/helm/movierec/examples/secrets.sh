#!/bin/sh
# Makes the secrets that the chart names, once. Or let an operator bring them from your vault.
set -eu
namespace=${1:?the namespace}
random() { python3 -c "import secrets; print(secrets.token_urlsafe($1))"; }
database_url=$(kubectl -n "$namespace" get secret films-postgres-app -o jsonpath='{.data.uri}' | base64 -d)
kubectl -n "$namespace" create secret generic movierec \
	--from-literal=DATABASE_URL="$database_url" \
	--from-literal=DATABASE_REPLICA_URL="$(printf %s "$database_url" | sed s/@films-postgres-rw/@films-postgres-ro/)" \
	--from-literal=REDIS_URL=redis://films-valkey:6379/0 \
	--from-literal=MOVIEREC_SECRET_KEY="$(random 50)" \
	--from-literal=MOVIEREC_ADMIN_PASSWORD="$(random 16)"
kubectl -n "$namespace" create secret generic movierec-models \
	--from-literal=AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:?}" \
	--from-literal=AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:?}"
