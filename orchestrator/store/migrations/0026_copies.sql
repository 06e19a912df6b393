-- How a document's copies are given: by their readers' networks (0), or sealed into files that its
-- sender takes away himself (1).
ALTER TABLE document ADD COLUMN seals INTEGER NOT NULL DEFAULT 0;
CREATE INDEX document_seals ON document (message_id) WHERE seals;

-- Readers whose copies were called back. settled_at: nothing more can be done about it here.
CREATE TABLE document_recall (
    message_id TEXT NOT NULL,
    reader     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    settled_at INTEGER,
    PRIMARY KEY (message_id, reader)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_recall_open ON document_recall (message_id) WHERE settled_at IS NULL;

-- Sealed copies that their sender took away.
CREATE TABLE document_taken (
    message_id TEXT NOT NULL,
    number     INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (message_id, number)
) STRICT, WITHOUT ROWID;

-- What a copy is known again by: a mark that only this home can make of a file's SHA-256, so that
-- nobody who has the table alone can tell whether a file is in it (orchestrator/outbox/prints.py).
CREATE TABLE document_print (
    mark        BLOB NOT NULL,
    message_id  TEXT NOT NULL,
    delivery_id TEXT NOT NULL,         -- '' for the document itself, which is the same for all readers
    PRIMARY KEY (mark, message_id, delivery_id)
) STRICT, WITHOUT ROWID;
