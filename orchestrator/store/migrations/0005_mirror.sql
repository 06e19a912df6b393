-- A room that stands in for another one of its conversation; NULL: people have their seats in it.
ALTER TABLE room ADD COLUMN alternate_connector TEXT;
ALTER TABLE room ADD COLUMN alternate_room TEXT;

-- What a room was last read whole to promise, and who was in it: an alternate is measured by it.
CREATE TABLE known (
    connector TEXT NOT NULL,
    room      TEXT NOT NULL,
    holdings  TEXT NOT NULL,       -- JSON: [guarantee, evidence, source, value] each
    accounts  TEXT NOT NULL,       -- JSON
    read_at   INTEGER NOT NULL,
    PRIMARY KEY (connector, room)
) STRICT, WITHOUT ROWID;

-- Its author deleted it on his network.
ALTER TABLE message ADD COLUMN taken_back_at INTEGER;
