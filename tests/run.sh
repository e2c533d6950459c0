#!/usr/bin/env bash
# Runs every test, and installs first what the tests need and the machine lacks: `bash tests/run.sh`.
#
# Debian and Ubuntu packages need root; anyone else is told the command to run. Python packages go into a virtual
# environment under the target folder. Nothing is left running.
#
#   CARGO_TARGET_DIR            the target folder, `target` by default
#   WATCHKEEPER_TEST_PYTHON     a Python that has prometheus_client, Bugsink, rotel and schemathesis; made under the target folder by default
#   WATCHKEEPER_TEST_NODE_MODULES  a folder with TypeScript, Grafana's types and Sentry's browser package; made under the
#                               target folder by default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PROMETHEUS_CLIENT=0.26.0
readonly BUGSINK=2.6.2
readonly ROTEL=0.0.1a15
readonly SCHEMATHESIS=4.32.5
# Grafana's types of the release that dashboards are rendered for; 10.4 is the last that had queries to Prometheus.
readonly NODE_PACKAGES=(@grafana/schema@13.2.3 grafana-schema-with-prometheus@npm:@grafana/schema@10.4.19 typescript@5.9.3 yaml@2.9.1
    @sentry/browser@11.12.0 jsdom@29.1.1)
target=${CARGO_TARGET_DIR:-target}

say() { printf '== %s\n' "$*"; }
fail() { printf 'tests/run.sh: %s\n' "$*" >&2; exit 1; }

# --- What the tests need -------------------------------------------------------------------------------------------

command -v cargo >/dev/null || fail "cargo not found: install Rust from https://rustup.rs"

packages=()
programs=()
need() { # need PROGRAM PACKAGE
    programs+=("$1")
    command -v "$1" >/dev/null || packages+=("$2")
}
need prometheus prometheus
need promtool prometheus
need prometheus-alertmanager prometheus-alertmanager
need amtool prometheus-alertmanager
need jq jq
need docker-compose docker-compose
need pgbouncer pgbouncer
need pg_config postgresql
need openssl openssl
need rsyslogd rsyslog
need cc build-essential
need prometheus-node-exporter prometheus-node-exporter
need prometheus-postgres-exporter prometheus-postgres-exporter
need prometheus-redis-exporter prometheus-redis-exporter
need redis-server redis-server
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || packages+=(postgresql)
if [[ -z ${WATCHKEEPER_TEST_NODE_MODULES:-} ]]; then
    need node nodejs
    need npm npm
fi
if [[ -z ${WATCHKEEPER_TEST_PYTHON:-} ]]; then
    need python3 python3
    # A Python without ensurepip makes a virtual environment that lacks pip.
    python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3-venv)
fi

if ((${#packages[@]})); then
    mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
    install="apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
    command -v apt-get >/dev/null || fail "missing: ${packages[*]}; install them with this system's package manager"
    ((EUID == 0)) || fail "missing: ${packages[*]}; run this and try again: sudo sh -c '$install'"
    say "installing ${packages[*]}"
    # Debian starts a service when its package is installed, unless this file forbids it.
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        ours=yes
    fi
    DEBIAN_FRONTEND=noninteractive sh -c "$install" </dev/null
    if [[ -n ${ours:-} ]]; then
        rm -f "$policy"
        trap - EXIT
    fi
    # Nor at the next boot: the tests start servers of their own.
    if [[ -d /run/systemd/system ]]; then
        for package in "${packages[@]}"; do
            case $package in
                prometheus* | redis-server | postgresql | pgbouncer) systemctl disable --now "$package" >/dev/null 2>&1 || true ;;
            esac
        done
    fi
    hash -r
    for program in "${programs[@]}"; do
        command -v "$program" >/dev/null || fail "$program is still not found after: $install"
    done
fi

if [[ -z ${WATCHKEEPER_TEST_PYTHON:-} ]]; then
    mkdir -p "$target"
    venv=$(cd "$target" && pwd)/test-venv
    has_client() {
        "$venv/bin/python" -c "
from importlib.metadata import version
raise SystemExit(version('prometheus_client') != '$PROMETHEUS_CLIENT' or version('bugsink') != '$BUGSINK'
    or version('rotel') != '$ROTEL' or version('schemathesis') != '$SCHEMATHESIS')" 2>/dev/null
    }
    if ! has_client; then
        say "installing prometheus_client $PROMETHEUS_CLIENT, bugsink $BUGSINK, rotel $ROTEL and schemathesis $SCHEMATHESIS into $venv"
        python3 -m venv --clear "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "prometheus_client==$PROMETHEUS_CLIENT" \
            "bugsink==$BUGSINK" "rotel==$ROTEL" "schemathesis==$SCHEMATHESIS"
    fi
    export WATCHKEEPER_TEST_PYTHON=$venv/bin/python
fi

if [[ -z ${WATCHKEEPER_TEST_NODE_MODULES:-} ]]; then
    node=$target/test-node
    if [[ ! -f $node/installed || $(<"$node/installed") != "${NODE_PACKAGES[*]}" ]]; then
        say "installing ${NODE_PACKAGES[*]} into $node"
        rm -rf "$node"
        mkdir -p "$node"
        echo '{"private": true}' >"$node/package.json"
        npm install --prefix "$node" --no-audit --no-fund --ignore-scripts --silent "${NODE_PACKAGES[@]}" </dev/null
        echo "${NODE_PACKAGES[*]}" >"$node/installed"
    fi
    WATCHKEEPER_TEST_NODE_MODULES=$(cd "$node" && pwd)/node_modules
    export WATCHKEEPER_TEST_NODE_MODULES
fi

# --- The tests -----------------------------------------------------------------------------------------------------

log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=()

run() { # run NAME COMMAND...
    local name=$1
    shift
    say "$name: $*"
    "$@" </dev/null 2>&1 | tee -a "$log" || failed+=("$name")
}

# Tests start the examples, so all of them are built first.
run "examples" cargo build --locked --all-features --examples
if ((${#failed[@]} == 0)); then
    run "tests" cargo test --locked --all-features --no-fail-fast
fi

# Another crate in an app's tree may switch these on; numbers and orders have to stay what they are.
if ((${#failed[@]} == 0)); then
    run "features of others" cargo test --locked --no-fail-fast --test hostile_events \
        --features full,testing,serde_json/arbitrary_precision,serde_json/preserve_order
fi

say "skipped:"
# Each test that did not run, as cargo names it, with the reason given beside it.
skipped=$(sed -nE 's/^test (.*) \.\.\. ignored(, (.*))?$/   \1: \3/p' "$log" | sed -E 's/: $/: no reason given/')
if [[ -n $skipped ]]; then
    printf '%s\n' "$skipped"
else
    echo "   nothing was skipped"
fi

if ((${#failed[@]})); then
    say "failed: ${failed[*]}"
    grep -E '^test result: FAILED' "$log" | tail -n 1 || echo "the build failed, so no test ran"
    exit 1
fi
results=$(grep -E '^test result: ok' "$log") || fail "no test ran"
total=$(awk '{sum += $4} END {print sum}' <<<"$results")
say "$total tests passed, in $(wc -l <<<"$results") groups; the largest ended with:"
sort -k4,4nr <<<"$results" | sed -n 1p
