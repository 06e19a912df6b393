-- Copies whose time is over are found by their date, however many there are.
CREATE INDEX journal_due ON journal (deal_id, keep_until, message_id);
