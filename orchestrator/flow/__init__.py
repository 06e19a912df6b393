"""A message's way: accepted, resolved, classified, routed, guarded."""
