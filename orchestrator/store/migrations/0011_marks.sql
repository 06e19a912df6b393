-- Marks that only this home can make (orchestrator/store/pen.py): over what a message is and where
-- it came from; over where it was placed; over a delivery's target; over a room's last reading.
ALTER TABLE message ADD COLUMN mark BLOB;
ALTER TABLE message ADD COLUMN placed BLOB;
ALTER TABLE delivery ADD COLUMN mark BLOB;
ALTER TABLE known ADD COLUMN mark BLOB;
CREATE INDEX delivery_planted ON delivery (deal_id) WHERE reason = 'not_as_stated';
