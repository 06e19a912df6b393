-- Somebody's leaving while it is under way. That he left stands in the audit; a row here permits
-- nothing and takes nobody out by itself.
CREATE TABLE leaving (
    leave_id  TEXT PRIMARY KEY,
    deal_id   TEXT NOT NULL REFERENCES deal,
    person_id TEXT NOT NULL,
    reason    TEXT NOT NULL,
    actor     TEXT NOT NULL,
    began_at  INTEGER NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('open', 'gone', 'undone')),
    ended_at  INTEGER,
    devices   TEXT NOT NULL            -- JSON: what his accounts had when he left
) STRICT, WITHOUT ROWID;
CREATE INDEX leaving_person ON leaving (deal_id, person_id, began_at);

-- What it takes, on which channel; over once it was seen.
CREATE TABLE leaving_act (
    leave_id  TEXT NOT NULL REFERENCES leaving,
    kind      TEXT NOT NULL CHECK (kind IN ('room', 'rotate', 'key', 'revoke')),
    connector TEXT NOT NULL,
    subject   TEXT NOT NULL,           -- a room; for a key, a device
    account   TEXT NOT NULL,
    was_in    INTEGER NOT NULL,
    seen_at   INTEGER,
    tries     INTEGER NOT NULL,
    due_at    INTEGER NOT NULL,
    why       TEXT,                    -- a code: what the last try came to
    timer     INTEGER,                 -- of a room: as it was read back when he was in it
    PRIMARY KEY (leave_id, kind, connector, subject, account)
) STRICT, WITHOUT ROWID;
