"""What the core and the classifier do per second on this machine, beside what they are held to."""
