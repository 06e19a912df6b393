-- The figures of a day are read from this index alone: with the channel in it, no message is opened.
DROP INDEX message_lately;
CREATE INDEX message_lately ON message (deal_id, accepted_at, tier, connector)
WHERE tier IS NOT NULL AND connector <> 'wallcross';
