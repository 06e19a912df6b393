"""What can be looked at without changing anything."""
