-- What was read back of who is in which room: found without reading whole chains (`"kind":"member.`
-- in the entry). See orchestrator/rooms/presence.py.
CREATE INDEX audit_member ON audit (deal_id, n)
WHERE instr(entry, X'226b696e64223a226d656d6265722e') > 0;

-- Acts on rooms under way: what a crash left unfinished is looked at again. A row permits nothing.
CREATE TABLE act (
    deal_id   TEXT NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('remove', 'demote', 'harden', 'rotate', 'invite', 'promote')),
    connector TEXT NOT NULL,
    room      TEXT NOT NULL,
    account   TEXT NOT NULL,           -- '' where the act is about the room
    person    TEXT,
    because   TEXT NOT NULL,
    cause     TEXT NOT NULL,           -- plan:<hash> or leave:<id>
    actor     TEXT NOT NULL,
    asked_at  INTEGER NOT NULL,
    PRIMARY KEY (connector, room, account, kind)
) STRICT, WITHOUT ROWID;

-- Plans as they were shown, so that exactly one of them is applied by its name.
CREATE TABLE plan (
    hash     TEXT PRIMARY KEY,
    deal_id  TEXT NOT NULL,
    document TEXT NOT NULL,            -- canonical JSON: ids and codes
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
