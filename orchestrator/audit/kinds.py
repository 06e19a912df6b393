"""Every kind of audit entry there is; docs/audit.md says what each one states.

Rule kept here: the list is closed. What is not on it cannot be written into a chain, so that a
reader of an export never meets a kind that nobody described.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What an entry states."""

    DEAL_CREATED = "deal.created"
    DEAL_PHASE = "deal.phase"
    DEAL_SIGNING = "deal.signing"
    POLICY_ADOPTED = "policy.adopted"
    ROSTER_ADOPTED = "roster.adopted"
    WATCH_CHANGED = "watch.changed"

    CONVERSATION_CREATED = "conversation.created"
    ROOM_CREATED = "room.created"
    ROOM_REPLACED = "room.replaced"
    ROOM_PAUSED = "room.paused"
    ROOM_RESUMED = "room.resumed"
    ROOM_ATTESTED = "room.attested"
    ROOM_TOLD = "room.told"
    ROOM_HARDENED = "room.hardened"
    MEMBER_INVITED = "member.invited"
    MEMBER_OBTAINED = "member.obtained"
    MEMBER_REMOVED = "member.removed"
    MEMBER_CEASED = "member.ceased"
    PLAN_APPLIED = "plan.applied"
    LINE_OPENED = "line.opened"

    CHANNEL_TESTED = "channel.tested"
    CHANNEL_PAUSED = "channel.paused"
    CHANNEL_RESUMED = "channel.resumed"

    MESSAGE_ACCEPTED = "message.accepted"
    MESSAGE_REFUSED = "message.refused"
    MESSAGE_QUARANTINED = "message.quarantined"
    MESSAGE_ROUTED = "message.routed"
    MESSAGE_HELD = "message.held"
    MESSAGE_MOVED = "message.moved"
    MESSAGE_DROPPED = "message.dropped"
    MESSAGE_DEAD = "message.dead"
    MESSAGE_REPLAYED = "message.replayed"
    MESSAGE_SETTLED = "message.settled"

    DOCUMENT_ADDRESSED = "document.addressed"

    DELIVERY_DONE = "delivery.done"
    DELIVERY_POSSIBLY = "delivery.possibly"
    DELIVERY_RETRIED = "delivery.retried"
    DELIVERY_STOPPED = "delivery.stopped"
    DELIVERY_DEAD = "delivery.dead"
    DELIVERY_WITHDRAWN = "delivery.withdrawn"

    FINDING_OPENED = "finding.opened"
    FINDING_CLOSED = "finding.closed"

    KEY_IMPORTED = "certificate.imported"
    KEY_SEEN = "key.seen"
    KEY_PINNED = "key.pinned"
    KEY_VERIFIED = "key.verified"
    KEY_SUPERSEDED = "key.superseded"
    KEY_REVOKED = "key.revoked"
    KEY_COMPROMISED = "key.compromised"

    JOURNAL_KEY_ADOPTED = "journal.key_adopted"
    JOURNAL_EXEMPTED = "journal.exempted"
    CREDENTIAL_ENROLLED = "credential.enrolled"
    CREDENTIAL_WITHDRAWN = "credential.withdrawn"
    APPROVAL_ASKED = "approval.asked"
    APPROVAL_GIVEN = "approval.given"
    APPROVAL_REFUSED = "approval.refused"
    APPROVAL_DONE = "approval.done"
    WINDOW_CLOSED = "window.closed"

    PERSON_CROSSED = "person.crossed"
    PERSON_AGREED = "person.agreed"
    PERSON_ACKNOWLEDGED = "person.acknowledged"
    PERSON_CLEANSED = "person.cleansed"
    PERSON_PAUSED = "person.paused"
    PERSON_RESUMED = "person.resumed"
    PERSON_LEFT = "person.left"
    PERSON_GONE = "person.gone"
    PERSON_RETURNED = "person.returned"
    PERSON_REVIEWED = "person.reviewed"
    ENROLMENT_OPENED = "enrolment.opened"
    ENROLMENT_CLOSED = "enrolment.closed"
    ACCOUNT_BOUND = "account.bound"
    EVIDENCE_EXPORTED = "evidence.exported"

    AUDIT_EXPORTED = "audit.exported"
    AUDIT_KEY = "audit.key"
    ANCHOR_FAILED = "anchor.failed"
    ANCHOR_RECOVERED = "anchor.recovered"
    CLOCK_RESET = "clock.reset"
    PROCESS_STARTED = "process.started"
