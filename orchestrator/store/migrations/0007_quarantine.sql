-- What came and was not believed. As it came, undecrypted, it lies in `sealed` under its own id.
CREATE TABLE quarantine (
    quarantine_id  TEXT PRIMARY KEY,
    connector      TEXT NOT NULL,
    remote_id      TEXT NOT NULL,
    verdict        TEXT NOT NULL,
    class          TEXT NOT NULL,
    reasons        TEXT NOT NULL,      -- JSON list of codes
    claimed_sender TEXT,               -- as it claims; believed by nobody
    received_at    INTEGER NOT NULL,
    size           INTEGER NOT NULL,
    kept           INTEGER NOT NULL,   -- 0: there is no room for more, or it has expired
    UNIQUE (connector, remote_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX quarantine_kept ON quarantine (received_at) WHERE kept = 1;
