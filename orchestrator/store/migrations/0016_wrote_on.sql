-- Which devices of an account wrote to us, where its network tells their numbers and not their keys.
-- It permits nothing: a number that is not here pauses rooms and opens a finding.
CREATE TABLE wrote_on (
    connector TEXT NOT NULL,
    account   TEXT NOT NULL,
    device    TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (connector, account, device)
) STRICT, WITHOUT ROWID;
