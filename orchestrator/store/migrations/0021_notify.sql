-- Notifications: what somebody was told needs him, by which way, and what became of it. No row holds
-- more of a thing than its kind and its id, nor where anybody is reached: that is on the deal's list.
CREATE TABLE alert (
    alert_id    TEXT PRIMARY KEY,
    deal_id     TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('held', 'deadline', 'request', 'channel', 'finding')),
    subject     TEXT NOT NULL,         -- id of the message, request or finding
    opened_at   INTEGER NOT NULL,
    stage       INTEGER NOT NULL,      -- 0: the first was told, 1: the next, 2: everybody
    next_at     INTEGER,               -- when the next stage is due; NULL after the last
    answered_at INTEGER,
    answered_by TEXT,
    settled_at  INTEGER                -- the thing needs nobody any more
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX alert_open ON alert (deal_id, kind, subject) WHERE settled_at IS NULL;
CREATE INDEX alert_lately ON alert (deal_id, opened_at);

CREATE TABLE alert_send (
    send_id    TEXT PRIMARY KEY,
    deal_id    TEXT NOT NULL,
    person     TEXT NOT NULL,          -- '': the webhook of this home
    way        TEXT NOT NULL CHECK (way IN ('push', 'line', 'mail', 'webhook')),
    rank       INTEGER NOT NULL,       -- which of his ways it is, from 0
    state      TEXT NOT NULL CHECK (state IN ('queued', 'started', 'sent', 'dead', 'settled')),
    attempts   INTEGER NOT NULL,
    again      INTEGER NOT NULL,       -- 1: an attempt before may have reached him
    not_before INTEGER NOT NULL,
    made_at    INTEGER NOT NULL,
    started_at INTEGER,               -- of the first attempt
    ended_at   INTEGER,
    next_way   INTEGER NOT NULL,       -- 1: the next way was tried as well
    code       TEXT,                   -- what the last try came to
    mark       BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_send_due ON alert_send (not_before) WHERE state IN ('queued', 'started');
CREATE INDEX alert_send_stale ON alert_send (deal_id)
    WHERE next_way = 0 AND person <> '' AND state IN ('queued', 'started', 'dead');
CREATE INDEX alert_send_person ON alert_send (deal_id, person, way, made_at);

CREATE TABLE alert_part (
    send_id  TEXT NOT NULL REFERENCES alert_send,
    alert_id TEXT NOT NULL REFERENCES alert,
    PRIMARY KEY (alert_id, send_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_part_send ON alert_part (send_id);

-- Where a browser of somebody hears: the address and its keys are sealed under the id.
CREATE TABLE push_subscription (
    subscription TEXT PRIMARY KEY,
    deal_id      TEXT NOT NULL REFERENCES deal,
    person       TEXT NOT NULL,
    digest       TEXT NOT NULL,        -- keyed digest of the address, so that one is kept once
    since        INTEGER NOT NULL,
    UNIQUE (deal_id, person, digest)
) STRICT, WITHOUT ROWID;
