"""The one judge of every mail that comes in, whether from the mailbox or from a file.

Rule kept here: a mail is refused until each check has said yes, in one order: limits and structure,
class, encryption, integrity, signature, signer and sender. Nothing of a mail is handed on before
the last of them.
"""
