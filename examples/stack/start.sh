#!/usr/bin/env bash
# Starts the stack: `bash start.sh [--ha] PROFILE...`, with profiles metrics, errors, traces, logs, edge, all.
#
# The first time, it makes .env from .env.template and the files below secrets/, with random secrets. It starts nothing
# while a value is missing, and says which. `bash start.sh --check PROFILE...` does all that and starts nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
umask 077

fail() { printf 'start.sh: %s\n' "$*" >&2; exit 1; }
random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

files=(-f docker-compose.yml)
profiles=()
ha='' check=''
for argument in "$@"; do
    case $argument in
        --ha) ha=yes; files+=(-f docker-compose.ha.yml) ;;
        --check) check=yes ;;
        metrics | errors | traces | logs | edge | all) profiles+=("$argument") ;;
        *) fail "unknown: $argument; give some of: --ha --check metrics errors traces logs edge all" ;;
    esac
done
((${#profiles[@]})) || fail "which profile? metrics, errors, traces, logs, edge, all"
has() { [[ " ${profiles[*]} " == *" $1 "* || " ${profiles[*]} " == *" all "* ]]; }

# --- .env ----------------------------------------------------------------------------------------------------------

if [[ ! -e .env ]]; then
    while IFS= read -r line; do
        [[ $line == *'= # random' ]] && line="${line%% #*}$(random)"
        printf '%s\n' "$line"
    done <.env.template >.env
    printf 'start.sh: .env is made; its secrets are random, and are nowhere else\n'
fi

value() { sed -n "s/^$1=//p" .env | tail -n 1; }
optional=' OTEL_EXPORTER_OTLP_ENDPOINT GLITCHTIP_DSN '
[[ -n $ha ]] || optional+='GRAFANA_DB_PASSWORD '
missing=() section=Always
while IFS= read -r line; do
    if [[ $line =~ ^#\ ---\ ([A-Za-z]+) ]]; then
        section=${BASH_REMATCH[1]}
    elif [[ $line =~ ^([A-Z_]+)= ]]; then
        name=${BASH_REMATCH[1]}
        [[ $section == Always ]] || has "$section" || continue
        [[ $optional == *" $name "* || -n $(value "$name") ]] || missing+=("$name")
    fi
done <.env.template
((${#missing[@]} == 0)) || fail ".env lacks a value for: ${missing[*]}"
# Old files of others' making: what everybody knows is no secret.
for name in $(sed -n 's/^\([A-Z_]*\)= # random$/\1/p' .env.template); do
    text=$(value "$name")
    [[ -z $text || ${#text} -ge 16 ]] || fail "$name in .env has fewer than 16 characters"
    [[ -z $text || $text =~ ^[A-Za-z0-9_.~-]+$ ]] || fail "$name in .env may have letters, digits and _.~- only: it becomes a part of URLs"
done
[[ -f alertmanager/$(value ALERTMANAGER_CONFIG) ]] || fail "ALERTMANAGER_CONFIG names no file in alertmanager/"

# --- secrets/ ------------------------------------------------------------------------------------------------------

# The folder is yours alone; a file in it is mounted by itself, and read by a program that is not root.
mkdir -p secrets
chmod 700 secrets
secret() { printf '%s' "$2" >"secrets/$1"; chmod 644 "secrets/$1"; }
secret monitoring_token "$(value MONITORING_TOKEN)"
secret grafana_admin_password "$(value GRAFANA_ADMIN_PASSWORD)"
for name in smtp_password slack_url; do
    [[ -e secrets/$name ]] || secret "$name" ''
    if [[ $(value ALERTMANAGER_CONFIG) == alertmanager.yml && ! -s secrets/$name ]]; then
        fail "alertmanager.yml needs secrets/$name"
    fi
done
for name in edge_certificate edge_key edge_users; do
    [[ -e secrets/$name ]] || secret "$name" ''
done
if has edge; then
    [[ -s secrets/edge_users ]] || fail "edge needs secrets/edge_users: htpasswd -nB YOUR_NAME > secrets/edge_users"
    if [[ ! -s secrets/edge_key ]]; then
        command -v openssl >/dev/null || fail "edge needs secrets/edge_certificate and secrets/edge_key, or openssl to make them"
        openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=$(value EDGE_DOMAIN)" \
            -addext "subjectAltName=DNS:$(value EDGE_DOMAIN),DNS:*.$(value EDGE_DOMAIN)" \
            -keyout secrets/edge_key -out secrets/edge_certificate 2>/dev/null
        chmod 644 secrets/edge_key secrets/edge_certificate
        printf 'start.sh: secrets/edge_certificate is signed by nobody; put a real one there before others use it\n'
    fi
fi

# --- Compose -------------------------------------------------------------------------------------------------------

if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
else
    fail "neither docker compose nor docker-compose is here: https://docs.docker.com/compose/install/"
fi
for profile in "${profiles[@]}"; do files+=(--profile "$profile"); done
"${compose[@]}" "${files[@]}" config --quiet || fail "the files above are not accepted"
[[ -z $check ]] || { printf 'start.sh: everything is there\n'; exit; }
"${compose[@]}" "${files[@]}" up -d --build

printf '\n  app           http://localhost:3000\n'
if has metrics; then
    printf '  Grafana       %s  user %s, password in secrets/grafana_admin_password\n' "$(value GRAFANA_URL)" "$(value GRAFANA_ADMIN_USER)"
    printf '  Prometheus    %s\n  Alertmanager  %s\n' "$(value PROMETHEUS_URL)" "$(value ALERTMANAGER_URL)"
fi
if has errors; then
    printf '  GlitchTip     %s  first: %s exec glitchtip ./manage.py createsuperuser\n' "$(value GLITCHTIP_DOMAIN)" "${compose[*]}"
fi
if has traces; then printf '  Jaeger        http://localhost:16686\n'; fi
if has logs; then printf '  Kibana        %s  user elastic, password ELASTIC_PASSWORD in .env\n' "$(value KIBANA_URL)"; fi
if has edge; then printf '  Traefik       https://grafana.%s:8443\n' "$(value EDGE_DOMAIN)"; fi
