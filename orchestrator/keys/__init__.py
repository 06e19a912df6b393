"""People's keys and devices: seen, pinned, verified, and who vouched."""
