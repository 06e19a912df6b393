-- Pages of the audit trail: by what an entry is of, whom it is about, and who of the deal's people
-- did it. Partial, so that the entries that every message makes cost their writer no row here: those
-- four kinds stand so close that a reader finds them by number, and none of them names a person.
CREATE INDEX audit_kind ON audit (
    deal_id,
    substr(entry, instr(entry, X'226b696e64223a22') + 8,
        instr(entry, X'222c226e223a') - instr(entry, X'226b696e64223a22') - 8),
    n
) WHERE instr(entry, X'226b696e64223a226d6573736167652e616363657074656422') = 0
    AND instr(entry, X'226b696e64223a226d6573736167652e726f7574656422') = 0
    AND instr(entry, X'226b696e64223a226d6573736167652e736574746c656422') = 0
    AND instr(entry, X'226b696e64223a2264656c69766572792e646f6e6522') = 0;

CREATE INDEX audit_person ON audit (
    deal_id,
    substr(substr(body, instr(body, X'22706572736f6e223a22') + 10), 1,
        instr(substr(body, instr(body, X'22706572736f6e223a22') + 10), X'22') - 1),
    n
) WHERE instr(body, X'22706572736f6e223a22') > 0;

CREATE INDEX audit_by ON audit (
    deal_id,
    substr(substr(entry, 18), 1, instr(substr(entry, 18), X'22') - 1),
    n
) WHERE substr(entry, 1, 17) = X'7b226163746f72223a22706572736f6e3a';
