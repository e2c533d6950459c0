"""Reads a scrape on standard input with prometheus_client's parsers, and writes what they understood as JSON.

    parse_scrape.py text|openmetrics < scrape
    parse_scrape.py batch < scrapes

A batch is a JSON object a line, {"format": "text", "scrape": "..."}; each is answered by a line, in order: what was
understood, or {"error": "..."}.

Families are keyed by the name of their metric, without the `_total` that only a counter's samples carry; samples are
sorted by name and labels, and numbers written by repr(), so that two scrapes can be compared whatever their format.
"""

import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

PARSERS = {
    "text": parser.text_string_to_metric_families,
    "openmetrics": openmetrics.text_string_to_metric_families,
}


def exemplar(found):
    if found is None:
        return None
    timestamp = None if found.timestamp is None else float(found.timestamp)
    return {"labels": found.labels, "value": repr(float(found.value)), "timestamp": timestamp}


def read(kind, scrape):
    families, samples = {}, []
    for family in PARSERS[kind](scrape):
        name, suffix = family.name, 0
        if kind == "text" and family.type == "counter":
            # In text, `x` and `x_total` may be two counters, in this order; the parser calls the samples of both x_total.
            if name in families:
                name += "_total"
            elif f"\n# TYPE {name} counter\n" in f"\n{scrape}":
                suffix = len("_total")
        if name in families:
            raise ValueError(f"two families named {name}")
        families[name] = {"type": family.type, "help": family.documentation, "unit": family.unit}
        for sample in family.samples:
            samples.append(
                {
                    "name": sample.name[: len(sample.name) - suffix],
                    "labels": sample.labels,
                    "value": repr(float(sample.value)),
                    "exemplar": exemplar(sample.exemplar),
                }
            )
    samples.sort(key=lambda sample: (sample["name"], sorted(sample["labels"].items())))
    return {"families": families, "samples": samples}


def answer(line):
    asked = json.loads(line)
    try:
        return read(asked["format"], asked["scrape"])
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    if sys.argv[1] == "batch":
        for line in sys.stdin:
            json.dump(answer(line), sys.stdout)
            sys.stdout.write("\n")
    else:
        json.dump(read(sys.argv[1], sys.stdin.read()), sys.stdout, sort_keys=True)


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8", newline="\n")
    main()
