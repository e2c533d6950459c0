-- Who did what. Records are added and never changed; an administrator may take the right to do more away from the role.
CREATE TABLE watchkeeper.audit (
    id uuid PRIMARY KEY,
    timestamp timestamptz NOT NULL CHECK (isfinite(timestamp)),
    action text COLLATE "C" NOT NULL CHECK (octet_length(action) <= 64),
    outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('done', 'refused', 'read')),
    who text COLLATE "C" CHECK (octet_length(who) <= 256),
    role text COLLATE "C" CHECK (octet_length(role) <= 256),
    target text COLLATE "C" CHECK (octet_length(target) <= 256),
    address text COLLATE "C" CHECK (octet_length(address) <= 256),
    details jsonb NOT NULL CHECK (jsonb_typeof(details) = 'object')
);

CREATE INDEX audit_who ON watchkeeper.audit (who, id);
CREATE INDEX audit_target ON watchkeeper.audit (target, id) WHERE target IS NOT NULL;

-- Not even the library's own role changes or removes a record by mistake.
CREATE FUNCTION watchkeeper.audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON watchkeeper.audit
    FOR EACH STATEMENT EXECUTE FUNCTION watchkeeper.audit_is_kept();

INSERT INTO watchkeeper.migrations (version) VALUES (3);
