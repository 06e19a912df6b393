"""Checks an export far from the machine that made it.

Rules kept here: these modules import the standard library, ``cryptography`` and one another, and
nothing else of ours; ``bundle`` makes one file of them, in the order of ``MODULES``, so no two of
them define the same name. They hash the bytes of the export and never write them anew.
"""
