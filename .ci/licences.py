#!/usr/bin/env python3
"""Checks the licences of all dependencies, and that no crate is built in two versions.

Reads `cargo metadata` with every feature on, for every platform. Ends non-zero and names each crate that breaks a rule.
"""

import json
import re
import subprocess
import sys

ALLOWED = {
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "MPL-2.0",
    "CDLA-Permissive-2.0",
}

# A crate that may be there in several versions, and why. An entry that is no longer needed is a failure too.
SEVERAL_VERSIONS = {
    "base64": "tokio-postgres still takes the one before what ureq takes",
    "block-buffer": "below sqlx's sha2",
    "const-oid": "below the certificates of tokio-postgres-rustls",
    "cpufeatures": "below sqlx's sha2",
    "crypto-common": "below sqlx's sha2",
    "digest": "below sqlx's sha2",
    "getrandom": "ring still takes an old one, for nothing but the system's random numbers",
    "hashbrown": "sqlx still takes the one before",
    "hashlink": "sqlx takes the one before what yaml-rust2 takes",
    "http": "Actix Web's types are those of 0.2; its heads are copied into those of 1",
    "sha2": "sqlx still takes the one before",
    "syn": "used by derive macros while the build runs; nothing of it is linked",
    "unicode-width": "the grammar of promql-parser takes two",
    "wasi": "for other systems than those this runs on, below mio and whoami",
    "windows-sys": "ring still takes an old one; bindings without code",
}


def metadata():
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def is_allowed(expression):
    """Tells whether an SPDX expression can be met with allowed licences alone: AND needs both, OR needs one."""
    # Cargo's old form for OR is a slash.
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    position = 0

    def peek():
        return tokens[position] if position < len(tokens) else None

    def take():
        nonlocal position
        position += 1
        return tokens[position - 1]

    def either():
        met = both()
        while peek() == "OR":
            take()
            met = both() or met
        return met

    def both():
        met = one()
        while peek() == "AND":
            take()
            met = one() and met
        return met

    def one():
        if peek() == "(":
            take()
            met = either()
            if take() != ")":
                raise ValueError(expression)
            return met
        met = take() in ALLOWED
        if peek() == "WITH":
            # An exception only gives more rights than the licence it stands on.
            take()
            take()
        return met

    met = either()
    if peek() is not None:
        raise ValueError(expression)
    return met


def normal_dependencies(data):
    """Yields the ids of all packages that a user of the crate builds: no dev-dependencies."""
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    found, waiting = set(), [data["resolve"]["root"]]
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        found.add(package)
        for dependency in nodes[package]["deps"]:
            if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return found


def main():
    data = metadata()
    packages = {package["id"]: package for package in data["packages"]}
    faults = []

    for node in data["resolve"]["nodes"]:
        package = packages[node["id"]]
        licence = package["license"]
        name = f"{package['name']} {package['version']}"
        try:
            if not licence or not is_allowed(licence):
                faults.append(f"{name}: licence {licence!r} is not among {', '.join(sorted(ALLOWED))}")
        except (ValueError, IndexError):
            faults.append(f"{name}: licence {licence!r} is no SPDX expression")

    versions = {}
    for package in normal_dependencies(data):
        versions.setdefault(packages[package]["name"], []).append(packages[package]["version"])
    for name, found in sorted(versions.items()):
        if len(found) > 1 and name not in SEVERAL_VERSIONS:
            faults.append(f"{name}: several versions in one build: {', '.join(sorted(found))}")
    for name in SEVERAL_VERSIONS:
        if len(versions.get(name, [])) < 2:
            faults.append(f"{name}: listed in SEVERAL_VERSIONS, but there is one version or none")

    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        return 1
    print(f"{len(data['resolve']['nodes'])} crates with allowed licences, {len(versions)} of them built for a user")
    return 0


if __name__ == "__main__":
    sys.exit(main())
