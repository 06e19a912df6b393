-- What is in force is what the audit says was adopted: its newest entry of that kind, found without
-- reading the whole chain. The table `adoption` only keeps the document that the entry names.
CREATE INDEX audit_adopted ON audit (deal_id, n) WHERE instr(entry, X'2e61646f7074656422') > 0;
