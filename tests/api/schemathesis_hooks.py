"""Values of the formats that OpenAPI names and schemathesis has no right ones of."""

import datetime
import uuid

import schemathesis
from hypothesis import strategies


def time(ago):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now - datetime.timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def version_7(number):
    return str(uuid.UUID(int=number & ~(0xF << 76) & ~(0b11 << 62) | 7 << 76 | 0b10 << 62))


# Events and samples are accepted from the last 30 days.
schemathesis.openapi.format("date-time", strategies.integers(0, 29 * 86_400).map(time))
# Ids are UUIDs of version 7.
schemathesis.openapi.format("uuid", strategies.integers(0, 2**128 - 1).map(version_7))
schemathesis.openapi.format("log-filter", strategies.sampled_from(["info", "warn", "info,shop=debug", "error"]))


def is_kept(value):
    """Tells whether an event may hold a value: the exponent of its numbers is between -308 and 308."""
    if isinstance(value, dict):
        return all(is_kept(member) for member in value.values())
    if isinstance(value, list):
        return all(is_kept(item) for item in value)
    return not isinstance(value, float) or value == 0 or 1e-307 < abs(value) < 1e307


@schemathesis.hook
def filter_body(context, body):
    return is_kept(body)
