"""The made-up deal on real servers: what the demo and the tests start, and the people in it."""
