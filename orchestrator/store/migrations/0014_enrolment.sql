-- Wrong tries of one-time codes. They permit nothing; the codes themselves are audit entries.
CREATE TABLE enrolment_try (
    enrolment TEXT NOT NULL,
    channel   TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
CREATE INDEX enrolment_try_code ON enrolment_try (enrolment, channel);
