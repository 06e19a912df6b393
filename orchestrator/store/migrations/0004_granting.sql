-- Entries that commit to a row which permits (`"row":"` in the body), those about keys of people
-- (`"kind":"key.`) apart: found without reading whole chains. See orchestrator/audit/granted.py.
CREATE INDEX audit_granting ON audit (
    instr(entry, X'226b696e64223a226b65792e') > 0, deal_id, n
) WHERE instr(body, X'22726f77223a22') > 0;
