"""Baton for programs."""
