-- Who has been told, in a room, who hosts it, that we read it, and whether it is journaled.
CREATE TABLE room_notice (
    connector  TEXT NOT NULL,
    room       TEXT NOT NULL,
    account    TEXT NOT NULL,
    message_id TEXT NOT NULL,      -- the notice; one that died on its way told nobody
    at         INTEGER NOT NULL,
    PRIMARY KEY (connector, room, account)
) STRICT, WITHOUT ROWID;
