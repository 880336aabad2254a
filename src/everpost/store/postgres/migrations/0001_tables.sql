-- What has run.
CREATE TABLE migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    ran_at float8 NOT NULL
);

-- Texts are compared byte by byte (COLLATE "C"): ids are ordered by the time that they spell, whatever the database's
-- own language is. Times are seconds since 1970, as everywhere in Everpost.

-- What lists and stories show. Ids are time-ordered: new rows land at the right edge of every index.
CREATE TABLE message (
    id text COLLATE "C" PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    created_at float8 NOT NULL,
    head bytea NOT NULL             -- model.Message without its content, in MessagePack
);
CREATE INDEX message_of_project ON message (project, id);

-- Bodies lie apart from what is read and written at each step of a delivery.
CREATE TABLE body (
    message_id text COLLATE "C" PRIMARY KEY,
    content bytea NOT NULL          -- text, html and attachments, in MessagePack
);

-- The queue. What nobody looks for is packed, so that a step of a delivery moves few bytes.
CREATE TABLE delivery (
    message_id text COLLATE "C" NOT NULL,
    position integer NOT NULL,      -- the delivery's id is `message_id.position`
    project text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    due_at float8,
    version bigint NOT NULL,
    account text COLLATE "C",
    progress bytea NOT NULL,        -- the rest of model.Delivery, in MessagePack
    PRIMARY KEY (message_id, position)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

-- Only what is due some time: its size is that of the work in hand, not of the history.
CREATE INDEX delivery_due ON delivery (due_at, message_id, position) WHERE due_at IS NOT NULL;

-- What people look for is what went wrong. Sent deliveries, which are nearly all, do not pay for it.
CREATE INDEX delivery_rare ON delivery (project, state, message_id)
    WHERE state IN ('failed', 'held', 'uncertain', 'cancelled');

-- The audit trail, only ever added to; a partition that is past its time is dropped, which costs nothing.
CREATE TABLE event (
    seq bigint NOT NULL,            -- in the order of the commits: see `journal`
    at float8 NOT NULL,
    message_id text COLLATE "C" NOT NULL,   -- '': of no message
    id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    project text COLLATE "C" NOT NULL,
    delivery_id text COLLATE "C",
    account text COLLATE "C",
    data json                       -- NULL: empty
) PARTITION BY RANGE (at);
CREATE INDEX event_seq ON event (seq);
CREATE INDEX event_of_message ON event (message_id, id);

-- For what no other partition takes: nothing is ever refused.
CREATE TABLE event_default PARTITION OF event DEFAULT;

-- What providers have told, in their own words: they name addresses, and go before the events that they belong to.
CREATE TABLE paper (
    message_id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    at float8 NOT NULL,
    words bytea NOT NULL,
    PRIMARY KEY (message_id, event_id)
);
CREATE INDEX paper_of_no_message ON paper (at) WHERE message_id = '';

-- The number of the newest event. Whoever adds events locks this row to the end of the transaction, so that numbers
-- become visible in their order, and no reader passes one that is still to come.
CREATE TABLE journal (
    seq bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO journal VALUES (0);

CREATE TABLE idempotency (
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    running_until float8,
    answer bytea,
    created_at float8 NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Answers repeat addresses, so they are found by their message. Few keys have one: those of callers who wait.
CREATE INDEX idempotency_answered ON idempotency (message_id) WHERE answer IS NOT NULL;

CREATE TABLE recipient (
    project text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,      -- lower case
    message_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (project, address, message_id)
);

CREATE TABLE tag (
    project text COLLATE "C" NOT NULL,
    tag text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (project, tag, message_id)
);

CREATE TABLE usage (
    account text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    window_at float8 NOT NULL,
    used bigint NOT NULL,
    PRIMARY KEY (account, unit)
) WITH (fillfactor = 50);

CREATE TABLE config (
    name text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL,
    version bigint NOT NULL
);

-- Whom not to write to is known by a digest, so that it still holds when the address is erased.
CREATE TABLE suppression (
    digest bytea PRIMARY KEY,       -- model.removal.address_digest
    project text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,      -- lower case; '': erased
    reason text NOT NULL,
    created_at float8 NOT NULL
);

-- Which attachments outside the store are needed, and by which messages.
CREATE TABLE attachment (
    message_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    PRIMARY KEY (message_id, name)
);
CREATE INDEX attachment_name ON attachment (name);

-- How far the look for parts of messages that are past their time has come: a walk in the order of the ids, so that
-- sending pays nothing for it. Messages that it passed before they were final are looked at again.
CREATE TABLE purged (
    part text COLLATE "C" PRIMARY KEY,      -- bodies, addresses or events
    message_id text COLLATE "C" NOT NULL    -- the last one that was looked at
);
CREATE TABLE passed (
    part text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (part, message_id)
);

-- Deliveries by state. Triggers keep it, so that it holds whoever writes; the row '' counts all deliveries.
CREATE TABLE tally (
    state text COLLATE "C" PRIMARY KEY,
    n bigint NOT NULL
) WITH (fillfactor = 10);

CREATE FUNCTION tally_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- In the order of the states, so that two who count never wait for each other.
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tally AS t SELECT s.state, count(*) FROM fresh, unnest(ARRAY['', fresh.state]) AS s (state)
            GROUP BY s.state ORDER BY s.state
            ON CONFLICT (state) DO UPDATE SET n = t.n + excluded.n;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO tally AS t SELECT s.state, -count(*) FROM gone, unnest(ARRAY['', gone.state]) AS s (state)
            GROUP BY s.state ORDER BY s.state
            ON CONFLICT (state) DO UPDATE SET n = t.n + excluded.n;
    ELSE
        INSERT INTO tally AS t
            SELECT s.state, sum(s.n) FROM (
                SELECT state, 1 AS n FROM fresh UNION ALL SELECT state, -1 FROM gone
            ) AS s GROUP BY s.state HAVING sum(s.n) <> 0 ORDER BY s.state
            ON CONFLICT (state) DO UPDATE SET n = t.n + excluded.n;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER delivery_stored AFTER INSERT ON delivery
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally_deliveries();
CREATE TRIGGER delivery_moved AFTER UPDATE ON delivery
    REFERENCING OLD TABLE AS gone NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally_deliveries();
CREATE TRIGGER delivery_purged AFTER DELETE ON delivery
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION tally_deliveries();

-- True, or the end of the whole statement: what a decision rested on must still hold when it is written.
CREATE FUNCTION held(holds boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF holds THEN
        RETURN true;
    END IF;
    RAISE EXCEPTION 'what was seen has changed meanwhile' USING ERRCODE = 'serialization_failure';
END $$;

-- Makes the partitions of the weeks (Thursday to Wednesday, as 1970 began) from that of `now` on; says how many. A week
-- that has begun without one stays in the default partition.
CREATE FUNCTION make_event_weeks(now float8, weeks integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    week constant float8 := 604800;
    starts float8;
    name text;
    made integer := 0;
BEGIN
    FOR n IN 0 .. weeks - 1 LOOP
        starts := (floor(now / week) + n) * week;
        name := 'event_' || to_char(to_timestamp(starts) AT TIME ZONE 'UTC', 'YYYYMMDD');
        CONTINUE WHEN to_regclass(name) IS NOT NULL
            OR EXISTS (SELECT 1 FROM event_default WHERE at >= starts AND at < starts + week);
        EXECUTE format('CREATE TABLE %I (LIKE event INCLUDING ALL)', name);
        -- Writers go on meanwhile: this locks the default partition alone, for as long as it takes to look through it.
        EXECUTE format('ALTER TABLE event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, starts, starts + week);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Which of these facts, by their places from 1 on, nobody has told yet. Whoever else tells one of them meanwhile waits
-- for the end of this transaction; each query in here sees what has been committed until then.
CREATE FUNCTION new_facts(message_ids text[], ids text[]) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(lock) FROM (
        SELECT DISTINCT hashtextextended(f.message_id || ' ' || f.id, 0) AS lock
        FROM unnest(message_ids, ids) AS f (message_id, id) ORDER BY lock
    ) AS locks;
    RETURN QUERY
        SELECT min(f.n) FROM unnest(message_ids, ids) WITH ORDINALITY AS f (message_id, id, n)
        WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.message_id = f.message_id AND e.id = f.id)
        GROUP BY f.message_id, f.id;
END $$;

-- Drops the weeks that were over before `before`; says how many. What is still needed moves to the default partition:
-- events of messages that are still there, and those of no message.
CREATE FUNCTION drop_event_weeks(before float8) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    week constant float8 := 604800;
    name text;
    dropped integer := 0;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'event'::regclass AND c.relname ~ '^event_\d{8}$'
            AND extract(epoch FROM to_timestamp(substr(c.relname, 7), 'YYYYMMDD') AT TIME ZONE 'UTC') + week <= before
        ORDER BY c.relname
    LOOP
        EXECUTE format('ALTER TABLE event DETACH PARTITION %I', name);
        EXECUTE format(
            'INSERT INTO event SELECT e.* FROM %I AS e WHERE e.message_id = '''''
            ' OR EXISTS (SELECT 1 FROM message m WHERE m.id = e.message_id)', name);
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
