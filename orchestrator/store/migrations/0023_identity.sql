-- What a directory (SCIM, RFC 7643) says of who works at the company. A row gives nobody anything: seats are
-- the roster's. It is kept so that a directory can ask what it said before.
CREATE TABLE identity (
    identity_id TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    name        TEXT NOT NULL,          -- userName, or a group's displayName
    folded      TEXT NOT NULL,          -- as it is compared
    external    TEXT,                   -- externalId
    shown       TEXT,                   -- a user's displayName
    active      INTEGER NOT NULL,
    members     TEXT NOT NULL,          -- a group's, as a JSON list of ids
    version     INTEGER NOT NULL,
    made_at     INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX identity_user ON identity (folded) WHERE kind = 'user';
CREATE INDEX identity_named ON identity (kind, folded);
CREATE INDEX identity_external ON identity (kind, external);
