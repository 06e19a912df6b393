"""A network in memory: the reference connector, and the far side that it talks to."""
