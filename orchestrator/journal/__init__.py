"""The journal: a copy of each message sealed to counsel, written in the route transaction.

Rule kept here: the private halves of journal keys are never on the host, and nothing is delivered,
held or dropped that is neither journaled nor exempt by counsel's own signature.
"""
