-- Documents that wait for a second person. They are in force nowhere: what people sign names one by
-- its hash, and adopting it writes a row of `adoption` and an entry. See orchestrator/approvals.
CREATE TABLE proposal (
    deal_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('policy', 'roster')),
    hash TEXT NOT NULL,
    document TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (deal_id, kind, hash)
) STRICT;
