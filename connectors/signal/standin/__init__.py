"""A stand-in for signal-cli-rest-api, in a process of its own, with the people behind it.

Rule kept here: the product talks to it over HTTP alone, as to the real program; no module of the
connector imports anything from here. What holds of the real program and what is simplified is on
the page docs/lab.md.
"""
