-- Who a stranger says he is: as it may be printed, believed by nobody.
ALTER TABLE quarantine ADD COLUMN claimed_name TEXT NOT NULL DEFAULT '';
CREATE INDEX quarantine_strangers ON quarantine (connector, verdict, received_at);
