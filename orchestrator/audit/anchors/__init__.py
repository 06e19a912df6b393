"""Hands signed heads to places outside the host, so that rewriting the past shows."""
