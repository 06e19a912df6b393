-- Every row of a deal carries deal_id. Instants: integer microseconds UTC. Sets and reasons: JSON
-- text without a word of any message. Bodies lie in `sealed` only.

CREATE TABLE home (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE deal (
    deal_id    TEXT PRIMARY KEY,
    code       TEXT NOT NULL UNIQUE,
    made_up    INTEGER NOT NULL,
    phase      TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Policy and roster act only once adopted. Rows are never changed: the newest of a kind is in force.
CREATE TABLE adoption (
    n          INTEGER PRIMARY KEY,
    deal_id    TEXT NOT NULL REFERENCES deal,
    kind       TEXT NOT NULL CHECK (kind IN ('policy', 'roster')),
    hash       TEXT NOT NULL,
    document   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL
) STRICT;
CREATE INDEX adoption_newest ON adoption (deal_id, kind, n);

CREATE TABLE conversation (
    conversation_id TEXT PRIMARY KEY,
    deal_id         TEXT NOT NULL REFERENCES deal,
    label           TEXT,              -- NULL for VALUATION: then sealed under the conversation's id
    floor           TEXT NOT NULL,
    compartment     TEXT NOT NULL,
    side            TEXT,              -- NULL: joint
    state           TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE room (
    connector       TEXT NOT NULL,
    room            TEXT NOT NULL,
    conversation_id TEXT NOT NULL REFERENCES conversation,
    deal_id         TEXT NOT NULL REFERENCES deal,
    host            TEXT NOT NULL,
    paused          TEXT,              -- the reason, NULL when it runs
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (connector, room)
) STRICT, WITHOUT ROWID;
CREATE INDEX room_of_conversation ON room (conversation_id);

-- A person's private line with us on one network: his intake, and where he is told things.
CREATE TABLE line (
    connector  TEXT NOT NULL,
    room       TEXT NOT NULL,
    account    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (connector, account)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX line_room ON line (connector, room);

CREATE TABLE seat (
    conversation_id TEXT NOT NULL REFERENCES conversation,
    person_id       TEXT NOT NULL,
    connector       TEXT NOT NULL,
    room            TEXT NOT NULL,
    since           INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, person_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE attestation (
    n          INTEGER PRIMARY KEY,
    deal_id    TEXT NOT NULL REFERENCES deal,
    connector  TEXT NOT NULL,
    room       TEXT NOT NULL,
    guarantee  TEXT NOT NULL,
    value      INTEGER,
    person_id  TEXT NOT NULL,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL
) STRICT;
CREATE INDEX attestation_room ON attestation (connector, room, guarantee, n);

-- Keys and devices of people, append-only: the newest row of a device is its state.
CREATE TABLE peer_key (
    n          INTEGER PRIMARY KEY,
    connector  TEXT NOT NULL,
    account    TEXT NOT NULL,
    device     TEXT NOT NULL,
    key        TEXT NOT NULL,
    state      TEXT NOT NULL,
    at         INTEGER NOT NULL,
    vouchers   TEXT NOT NULL           -- JSON list of the people of the ceremony
) STRICT;
CREATE INDEX peer_key_newest ON peer_key (connector, account, device, n);

CREATE TABLE channel (
    connector  TEXT PRIMARY KEY,
    cursor     TEXT,
    paused     TEXT,
    grade      TEXT,                   -- signed record of the last channel test, JSON
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was accepted, and our own notices (connector 'wallcross'). orchestrator/outbox/item.py has
-- the states and their one transition table.
CREATE TABLE message (
    arrival         INTEGER PRIMARY KEY,   -- order of acceptance; one writer, so it has no gaps to see
    message_id      TEXT NOT NULL UNIQUE,
    deal_id         TEXT NOT NULL,
    connector       TEXT NOT NULL,
    remote_id       TEXT NOT NULL,
    room            TEXT,
    sender          TEXT NOT NULL,
    person_id       TEXT,
    named           TEXT,              -- conversation id that the sender chose through the API
    reply_to        TEXT,
    edits           TEXT,
    unreadable      TEXT,
    opened          INTEGER NOT NULL DEFAULT 0,  -- 1: came again, readable, after an unreadable one
    sent_at         INTEGER NOT NULL,
    accepted_at     INTEGER NOT NULL,
    size            INTEGER NOT NULL,
    state           TEXT NOT NULL,
    conversation_id TEXT,
    tier            TEXT,
    strength        TEXT,
    facts           TEXT,              -- JSON: ids and hashes that the decision rested on
    settled_at      INTEGER,
    UNIQUE (connector, remote_id, opened)
) STRICT;
CREATE INDEX message_waiting ON message (deal_id, arrival) WHERE state = 'accepted';

-- A sealed body or name. Deleting the row destroys it: the epoch key alone opens nothing.
CREATE TABLE sealed (
    owner     TEXT PRIMARY KEY,        -- id of the message, attachment or conversation
    deal_id   TEXT NOT NULL,
    epoch     TEXT NOT NULL,
    wrapped   BLOB NOT NULL,
    envelope  BLOB,                    -- NULL: the envelope is the file blobs/<owner>
    size      INTEGER NOT NULL
) STRICT;
CREATE INDEX sealed_epoch ON sealed (deal_id, epoch);

CREATE TABLE lane (
    lane     TEXT PRIMARY KEY,
    deal_id  TEXT NOT NULL,
    next_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is to be done on a network, in the order of its lane.
CREATE TABLE delivery (
    delivery_id     TEXT PRIMARY KEY,
    kind            TEXT NOT NULL CHECK (kind IN ('send', 'undo')),
    message_id      TEXT NOT NULL,
    deal_id         TEXT NOT NULL,
    conversation_id TEXT,
    connector       TEXT NOT NULL,
    room            TEXT NOT NULL,
    lane            TEXT NOT NULL,
    seq             INTEGER NOT NULL,
    wire_key        TEXT NOT NULL UNIQUE,
    state           TEXT NOT NULL,
    attempts        INTEGER NOT NULL,
    not_before      INTEGER NOT NULL,
    started_at      INTEGER,
    possibly        INTEGER NOT NULL DEFAULT 0,
    as_tier         TEXT NOT NULL,
    blocks          INTEGER NOT NULL,  -- when it is dead, what stands behind it waits
    reason          TEXT,
    target          TEXT,              -- undo: the network's name of the message to take back
    remote_id       TEXT,
    sealed_to       TEXT,              -- sha256 over the devices it was sealed to
    settled_at      INTEGER,
    UNIQUE (lane, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (lane, seq) WHERE state IN ('queued', 'started');
CREATE INDEX delivery_dead ON delivery (lane) WHERE state = 'dead';
CREATE INDEX delivery_message ON delivery (message_id);
CREATE INDEX delivery_remote ON delivery (connector, remote_id);

CREATE TABLE held (
    message_id      TEXT PRIMARY KEY,
    deal_id         TEXT NOT NULL,
    conversation_id TEXT,
    tier            TEXT NOT NULL,
    reasons         TEXT NOT NULL,
    owner           TEXT,
    next_person     TEXT,
    deadline        INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('held', 'moved', 'dropped', 'released', 'rewritten')),
    held_at         INTEGER NOT NULL,
    settled_at      INTEGER,
    settled_by      TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX held_open ON held (deal_id, held_at) WHERE state = 'held';

CREATE TABLE finding (
    finding_id TEXT PRIMARY KEY,
    deal_id    TEXT NOT NULL,
    rule       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    severity   TEXT NOT NULL,
    reasons    TEXT NOT NULL,
    remedy     TEXT NOT NULL,
    owner      TEXT,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    closed_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX finding_open ON finding (deal_id, rule, subject) WHERE closed_at IS NULL;

CREATE TABLE receipt (
    connector TEXT NOT NULL,
    room      TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    account   TEXT NOT NULL,
    kind      TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (connector, room, remote_id, account, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    deal_id    TEXT NOT NULL,
    n          INTEGER NOT NULL,
    entry      BLOB NOT NULL,          -- canonical bytes of the chained part
    salt       BLOB NOT NULL,
    body       BLOB NOT NULL,          -- canonical bytes that the entry commits to
    hash       BLOB NOT NULL,
    PRIMARY KEY (deal_id, n)
) STRICT;

-- What was signed: one Merkle root over the heads of all chains, about once a minute.
CREATE TABLE audit_head (
    n         INTEGER PRIMARY KEY,
    statement BLOB NOT NULL,           -- canonical bytes that were signed
    signature BLOB NOT NULL,
    key_id    TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT;

-- Which entry of a chain was its head under a signed root; only where it moved since the last.
CREATE TABLE audit_leaf (
    head    INTEGER NOT NULL REFERENCES audit_head,
    deal_id TEXT NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (deal_id, head)
) STRICT, WITHOUT ROWID;

-- What an anchor outside the host gave back for a signed head.
CREATE TABLE anchor (
    n       INTEGER PRIMARY KEY,
    head    INTEGER NOT NULL REFERENCES audit_head,
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    receipt BLOB NOT NULL,
    at      INTEGER NOT NULL,
    UNIQUE (name, head)
) STRICT;

-- Anchors that do not answer now: since when, how often asked, why, and when to ask again.
CREATE TABLE anchor_failing (
    name     TEXT PRIMARY KEY,
    kind     TEXT NOT NULL,
    since    INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    code     TEXT NOT NULL,
    retry_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_key (
    key_id     TEXT PRIMARY KEY,
    deal_id    TEXT NOT NULL REFERENCES deal,
    scope      TEXT NOT NULL,          -- 'joint', or a side's id
    recipient  TEXT NOT NULL,
    needed     INTEGER NOT NULL,
    shares     INTEGER NOT NULL,
    adopted_at INTEGER NOT NULL,
    actor      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_key_scope ON journal_key (deal_id, scope, adopted_at);

-- Counsel's signed decision not to journal a scope, or a tier of it.
CREATE TABLE journal_exemption (
    n         INTEGER PRIMARY KEY,
    deal_id   TEXT NOT NULL REFERENCES deal,
    scope     TEXT NOT NULL,
    tier      TEXT NOT NULL,
    statement BLOB NOT NULL,
    signature BLOB NOT NULL,
    signer    TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT;

CREATE TABLE journal (
    message_id   TEXT PRIMARY KEY,
    deal_id      TEXT NOT NULL,
    key_id       TEXT,                 -- NULL: exempt, by the decision named
    exemption    INTEGER,
    record_class TEXT NOT NULL,
    keep_until   INTEGER NOT NULL,
    envelope     BLOB,                 -- NULL with a key: the envelope is the file journal/<message id>
    at           INTEGER NOT NULL
) STRICT;

-- A second person's agreement to a plan named by its hash (docs/product.md 2.10).
CREATE TABLE approval (
    plan_hash  TEXT PRIMARY KEY,
    deal_id    TEXT NOT NULL REFERENCES deal,
    needed     INTEGER NOT NULL,
    barred     TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    signatures TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE timer (name TEXT PRIMARY KEY, due_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
