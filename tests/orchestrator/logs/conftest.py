"""Properties without a deadline: a shared machine stalls by itself."""

from hypothesis import settings

settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")
