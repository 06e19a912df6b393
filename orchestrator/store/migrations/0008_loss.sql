-- What did not reach a reader, once it was acted upon: a finding says so, and its author was told.
CREATE TABLE loss (
    message_id TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('refused', 'not_sent', 'returned')),
    subject    TEXT NOT NULL,          -- a document's reader; else the channel and room
    at         INTEGER NOT NULL,
    PRIMARY KEY (message_id, kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_failed ON receipt (at) WHERE kind = 'failed';
