"""Typed client of the API and its view models; imports nothing else of ours."""
