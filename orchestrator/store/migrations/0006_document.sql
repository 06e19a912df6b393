-- Formal documents: whom the sender named, in his order.
CREATE TABLE document (
    message_id TEXT PRIMARY KEY,
    deal_id    TEXT NOT NULL,
    readers    TEXT NOT NULL           -- JSON list of person ids
) STRICT, WITHOUT ROWID;
CREATE INDEX document_deal ON document (deal_id);

-- What became of each reader's copy when it was decided; what became of it since, its delivery says.
CREATE TABLE document_copy (
    message_id TEXT NOT NULL REFERENCES document,
    number     INTEGER NOT NULL,
    reader     TEXT NOT NULL,
    connector  TEXT,                   -- NULL: refused, and nothing of it was sent
    room       TEXT,
    reasons    TEXT NOT NULL,          -- JSON, as those of a held message
    PRIMARY KEY (message_id, number)
) STRICT, WITHOUT ROWID;
