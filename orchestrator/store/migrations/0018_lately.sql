-- Messages of late, by tier: counted for a day without looking at any that is older.
CREATE INDEX message_lately ON message (deal_id, accepted_at, tier)
WHERE tier IS NOT NULL AND connector <> 'wallcross';
