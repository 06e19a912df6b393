-- A device that somebody else put on this list would pause nothing: only marked rows count.
ALTER TABLE wrote_on ADD COLUMN mark BLOB;
