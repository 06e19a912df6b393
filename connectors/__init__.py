"""One network each: know rooms, bytes and errors; never tiers, deals or people."""
