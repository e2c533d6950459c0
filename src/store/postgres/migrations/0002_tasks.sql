-- What instances that share this database agree on: who does what, what was done, and how far it has come.

-- A lease is its holder's until a time of this server's clock. The fence rises with each new holder.
CREATE TABLE watchkeeper.leases (
    name text COLLATE "C" PRIMARY KEY CHECK (octet_length(name) <= 256),
    holder text COLLATE "C" CHECK (octet_length(holder) <= 256),
    fence bigint NOT NULL,
    until timestamptz NOT NULL
);

-- A run of a task for one interval. It is counted when it has ended, which only the last fence can do, once.
CREATE TABLE watchkeeper.task_runs (
    task text COLLATE "C" NOT NULL CHECK (octet_length(task) <= 256),
    slot timestamptz NOT NULL CHECK (isfinite(slot)),
    holder text COLLATE "C" NOT NULL CHECK (octet_length(holder) <= 256),
    fence bigint NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    status text COLLATE "C" CHECK (status IN ('success', 'error')),
    note text CHECK (octet_length(note) <= 2048),
    PRIMARY KEY (task, slot)
);

CREATE TABLE watchkeeper.task_progress (
    name text COLLATE "C" PRIMARY KEY CHECK (octet_length(name) <= 256),
    fence bigint NOT NULL,
    value jsonb NOT NULL
);

-- The processes that share this database, and the number that the ids which each makes end with.
CREATE TABLE watchkeeper.instances (
    name text COLLATE "C" PRIMARY KEY CHECK (octet_length(name) <= 256),
    process bigint NOT NULL,
    service text NOT NULL CHECK (octet_length(service) <= 256),
    release text NOT NULL CHECK (octet_length(release) <= 256),
    host text NOT NULL CHECK (octet_length(host) <= 256),
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);

INSERT INTO watchkeeper.migrations (version) VALUES (2);
