"""A stand-in for the Wickr IO web interface, in a process of its own, with the people behind it.

Rule kept here: the product talks to it over HTTP alone (and reads the folder of received files, as
on the real bot's host); no module of the connector imports anything from here. What holds of the
real program and what was chosen is on the page docs/lab.md.
"""
