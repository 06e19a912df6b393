-- That a security officer knows of a finding and accepts it for a time. It silences and permits
-- nothing: the finding costs what it costs.
CREATE TABLE finding_accepted (
    finding_id TEXT PRIMARY KEY REFERENCES finding,
    until      INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    because    TEXT NOT NULL           -- his own words, of the finding and of no message
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_deal ON finding (deal_id, first_seen);
CREATE INDEX finding_over ON finding (closed_at) WHERE closed_at IS NOT NULL;

-- When the rules were last run over a deal's facts.
CREATE TABLE risk_look (
    deal_id TEXT PRIMARY KEY,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a named person stated of a finding (that he asked in rooms what was written): a fact.
CREATE TABLE finding_stated (
    finding_id TEXT PRIMARY KEY REFERENCES finding,
    what       TEXT NOT NULL,
    person_id  TEXT NOT NULL,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
