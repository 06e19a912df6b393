-- A deal's phase is what its chain's newest word says; a row says nothing of it.
ALTER TABLE deal DROP COLUMN phase;
