"""One profile for all properties: no deadline, since a shared machine stalls by itself.

Under CI hypothesis draws the same examples each time; elsewhere it keeps looking for new ones.
"""

from hypothesis import settings

settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")
