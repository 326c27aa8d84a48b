"""Decisions over facts: lists, lead scores and life-cycle stages."""
