-- The tables of watchkeeper, in a schema of their own. In one transaction, as by `psql -1 -v ON_ERROR_STOP=1 -f`.

-- A role that may not make schemas can be given an empty one.
DO $$ BEGIN
    IF to_regnamespace('watchkeeper') IS NULL THEN
        CREATE SCHEMA watchkeeper;
    END IF;
END $$;

CREATE TABLE watchkeeper.migrations (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Events. The id is a UUID of version 7 made of the event's time, so one index serves order, paging and pruning. Each day
-- is a partition, made by the library ahead of time; there is no default partition.
CREATE TABLE watchkeeper.events (
    id uuid PRIMARY KEY,
    event_type text COLLATE "C" NOT NULL CHECK (event_type IN ('log', 'metric', 'trace', 'alert')),
    source text COLLATE "C" NOT NULL CHECK (octet_length(source) <= 128),
    message text,
    level text COLLATE "C" CHECK (level IN ('trace', 'debug', 'info', 'warn', 'error', 'critical')),
    tags jsonb NOT NULL CHECK (jsonb_typeof(tags) = 'object'),
    payload jsonb NOT NULL CHECK (jsonb_typeof(payload) = 'object'),
    timestamp timestamptz NOT NULL CHECK (isfinite(timestamp)),
    created_at timestamptz NOT NULL CHECK (isfinite(created_at)),
    created_by text COLLATE "C" CHECK (octet_length(created_by) <= 256),
    trace_id text COLLATE "C" CHECK (octet_length(trace_id) <= 256),
    dedup_key text COLLATE "C" CHECK (octet_length(dedup_key) <= 256)
) PARTITION BY RANGE (id);

CREATE INDEX events_source ON watchkeeper.events (source, id);
CREATE INDEX events_grave_level ON watchkeeper.events (level, id) WHERE level IN ('warn', 'error', 'critical');
CREATE INDEX events_grave_source ON watchkeeper.events (source, id) WHERE level IN ('warn', 'error', 'critical');
CREATE INDEX events_type ON watchkeeper.events (event_type, id) WHERE event_type <> 'log';
CREATE INDEX events_trace ON watchkeeper.events (trace_id, id) WHERE trace_id IS NOT NULL;

-- Samples, and the series that they belong to. The key is a hash of name, type, labels and who measured.
CREATE TABLE watchkeeper.series (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key bytea NOT NULL UNIQUE CHECK (octet_length(key) = 32),
    name text COLLATE "C" NOT NULL CHECK (octet_length(name) <= 128),
    metric_type text COLLATE "C" NOT NULL CHECK (metric_type IN ('counter', 'gauge', 'histogram')),
    labels jsonb NOT NULL CHECK (jsonb_typeof(labels) = 'object'),
    created_by text COLLATE "C" CHECK (octet_length(created_by) <= 256),
    seen_on date NOT NULL
);

CREATE INDEX series_name ON watchkeeper.series (name);

CREATE TABLE watchkeeper.samples (
    id uuid PRIMARY KEY,
    series bigint NOT NULL,
    value double precision NOT NULL,
    timestamp timestamptz NOT NULL CHECK (isfinite(timestamp)),
    created_at timestamptz NOT NULL CHECK (isfinite(created_at))
) PARTITION BY RANGE (id);

CREATE INDEX samples_series ON watchkeeper.samples (series, id);

-- How much was ever stored. Writers add rows to the first table, which never wait for each other; they are folded into
-- the second one now and then, where what is old becomes one row of the minute 1970-01-01.
CREATE TABLE watchkeeper.count_deltas (
    thing text COLLATE "C" NOT NULL CHECK (thing IN ('event', 'sample')),
    minute timestamptz NOT NULL,
    kind text COLLATE "C" NOT NULL,
    level text COLLATE "C" NOT NULL,
    count bigint NOT NULL
);

CREATE TABLE watchkeeper.counts (
    thing text COLLATE "C" NOT NULL CHECK (thing IN ('event', 'sample')),
    minute timestamptz NOT NULL,
    kind text COLLATE "C" NOT NULL,
    level text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (thing, minute, kind, level)
);

-- Incidents and their timelines.
CREATE TABLE watchkeeper.incidents (
    id uuid PRIMARY KEY,
    title text NOT NULL,
    description text NOT NULL,
    severity text COLLATE "C" NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    status text COLLATE "C" NOT NULL
        CHECK (status IN ('open', 'investigating', 'mitigated', 'resolved', 'closed', 'cancelled')),
    root_cause text,
    assigned_to text COLLATE "C",
    created_by text COLLATE "C",
    dedup_key text COLLATE "C",
    previous uuid,
    merged_into uuid,
    started_at timestamptz NOT NULL CHECK (isfinite(started_at)),
    detected_at timestamptz NOT NULL CHECK (isfinite(detected_at)),
    acknowledged_at timestamptz CHECK (isfinite(acknowledged_at)),
    mitigated_at timestamptz CHECK (isfinite(mitigated_at)),
    resolved_at timestamptz CHECK (isfinite(resolved_at)),
    closed_at timestamptz CHECK (isfinite(closed_at)),
    created_at timestamptz NOT NULL CHECK (isfinite(created_at)),
    updated_at timestamptz NOT NULL CHECK (isfinite(updated_at)),
    version bigint NOT NULL
);

CREATE UNIQUE INDEX incidents_active_key ON watchkeeper.incidents (dedup_key)
    WHERE status IN ('open', 'investigating', 'mitigated');
CREATE INDEX incidents_status ON watchkeeper.incidents (status, id);

CREATE TABLE watchkeeper.timeline (
    incident uuid NOT NULL REFERENCES watchkeeper.incidents (id),
    id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    timestamp timestamptz NOT NULL CHECK (isfinite(timestamp)),
    created_by text COLLATE "C",
    message text,
    details jsonb NOT NULL CHECK (jsonb_typeof(details) = 'object'),
    PRIMARY KEY (incident, id)
);

-- How often an alert was attached to an incident, and the entry of its timeline that says so.
CREATE TABLE watchkeeper.incident_alerts (
    incident uuid NOT NULL REFERENCES watchkeeper.incidents (id),
    fingerprint text COLLATE "C" NOT NULL,
    entry uuid NOT NULL,
    count bigint NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (incident, fingerprint)
);

-- Alert rules and alerts.
CREATE TABLE watchkeeper.rules (
    id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    description text NOT NULL,
    query text NOT NULL,
    threshold_value double precision,
    for_seconds double precision NOT NULL,
    keep_firing_for_seconds double precision NOT NULL,
    severity text COLLATE "C" NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    labels jsonb NOT NULL CHECK (jsonb_typeof(labels) = 'object'),
    annotations jsonb NOT NULL CHECK (jsonb_typeof(annotations) = 'object'),
    enabled boolean NOT NULL,
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL CHECK (isfinite(created_at)),
    updated_at timestamptz NOT NULL CHECK (isfinite(updated_at)),
    version bigint NOT NULL
);

CREATE TABLE watchkeeper.alerts (
    id uuid PRIMARY KEY,
    fingerprint text COLLATE "C" NOT NULL UNIQUE,
    rule uuid NOT NULL,
    labels jsonb NOT NULL CHECK (jsonb_typeof(labels) = 'object'),
    annotations jsonb NOT NULL CHECK (jsonb_typeof(annotations) = 'object'),
    state text COLLATE "C" NOT NULL CHECK (state IN ('inactive', 'pending', 'firing', 'resolved')),
    value double precision,
    active_at timestamptz NOT NULL CHECK (isfinite(active_at)),
    fired_at timestamptz CHECK (isfinite(fired_at)),
    keep_firing_since timestamptz CHECK (isfinite(keep_firing_since)),
    resolved_at timestamptz CHECK (isfinite(resolved_at)),
    evaluated_at timestamptz NOT NULL CHECK (isfinite(evaluated_at)),
    incident uuid
);

CREATE INDEX alerts_rule ON watchkeeper.alerts (rule, id);

-- A row as JSON, its times in UTC whatever the session's time zone: others had offsets with seconds, long ago.
CREATE FUNCTION watchkeeper.document(thing anyelement) RETURNS jsonb
    LANGUAGE sql STABLE SET timezone = 'UTC' AS 'SELECT to_jsonb(thing)';

INSERT INTO watchkeeper.migrations (version) VALUES (1);
