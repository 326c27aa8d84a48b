"""Baton for people: pages, their parts and their behaviour in the browser."""
