#!/usr/bin/env bash
# Builds an outside app from the packaged crate alone, with hostile features in its tree, runs it, and scrapes it:
# `bash tests/consumer.sh`.
#
# It builds every dependency again, with other features than the tests do: four minutes of processor time, so it is a
# command and no part of tests/run.sh; tests/package.rs is the cheap part of it. Needs cargo, curl, and promtool where it is there. Everything is
# made in a temporary folder (about 3 GB), which is gone afterwards; KEEP=1 keeps it, and says where it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*"; }
work=$(mktemp -d)
server=
finish() {
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    if [[ -n ${KEEP:-} ]]; then say "kept: $work"; else rm -rf "$work"; fi
}
trap finish EXIT

say "packaging"
cargo package --quiet --allow-dirty --no-verify --target-dir "$work/package"
crate=$(echo "$work"/package/package/*.crate)
say "$(basename "$crate"): $(stat -c %s "$crate") bytes packed, $(tar -tzf "$crate" | wc -l) files"
cp -r tests/consumer "$work/consumer"
mkdir "$work/consumer/watchkeeper" "$work/consumer/examples"
tar -xzf "$crate" -C "$work/consumer/watchkeeper" --strip-components 1
# A reader copies an example out; it has to build in the reader's app.
for example in minimal custom_metrics tower_service actix; do
    cp "$work/consumer/watchkeeper/examples/$example.rs" "$work/consumer/examples/"
done

say "building the app and its examples"
from=$SECONDS
export CARGO_TARGET_DIR=$work/target
(cd "$work/consumer" && cargo build --quiet --examples --bins)
say "built in $((SECONDS - from)) s"

say "running it"
port=$((20000 + RANDOM % 20000))
LISTEN_ADDR=127.0.0.1:$port RUST_LOG_FORMAT=json "$CARGO_TARGET_DIR/debug/consumer" >"$work/out" 2>"$work/err" &
server=$!
for _ in $(seq 200); do
    curl -fsS "http://127.0.0.1:$port/health/live" >/dev/null 2>&1 && break
    kill -0 "$server" 2>/dev/null || { cat "$work/out" "$work/err" >&2; exit 1; }
    sleep 0.1
done
curl -fsS "http://127.0.0.1:$port/orders/7" >/dev/null
curl -fsS "http://127.0.0.1:$port/metrics" >"$work/scrape"
for line in 'http_requests_total{method="GET",path="/orders/{id}",status="200"} 1' 'consumer_parcels_total 1'; do
    grep -qxF "$line" "$work/scrape" || { echo "no $line in the scrape" >&2; cat "$work/scrape" >&2; exit 1; }
done
if command -v promtool >/dev/null; then promtool check metrics <"$work/scrape" || true; fi
kill -TERM "$server"
wait "$server"
server=
grep '^events kept: 1, the first with weight 1.1' "$work/out" || { cat "$work/out" "$work/err" >&2; exit 1; }
grep -q '"weight":1.1' "$work/out" "$work/err"
say "the packaged crate works in an app with $(cd "$work/consumer" && cargo tree --prefix none -e normal | sort -u | wc -l) crates"
