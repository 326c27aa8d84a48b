"""Workflows: who is enrolled, where they stand, what happens next."""
