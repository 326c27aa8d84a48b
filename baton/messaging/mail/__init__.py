"""Mails as people write them, and the bytes they become: blocks, merge fields, templates, checks, letters."""
