"""What stand-ins for other people's programs have in common.

Rule kept here: no module of a connector imports anything from here, only its stand-in does.
"""
