-- Keyed hashes of three words in a row, of what went to conversations (tiers/winnowing.py). They are
-- content: the key of a deal and week lies in `sealed`, and rows go when their text may stand no more.
CREATE TABLE fingerprinted (
    message_id TEXT PRIMARY KEY,
    deal_id    TEXT NOT NULL,
    period     INTEGER NOT NULL,       -- week since 1970: under which key
    floor      TEXT NOT NULL,          -- declared tier of the conversation that it went to
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX fingerprinted_over ON fingerprinted (expires_at);
CREATE INDEX fingerprinted_period ON fingerprinted (deal_id, period);
CREATE TABLE fingerprint (
    deal_id    TEXT NOT NULL,
    period     INTEGER NOT NULL,
    mark       INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (deal_id, period, mark, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fingerprint_message ON fingerprint (message_id);
