"""Reaching people: e-mails, the outbox, delivery, suppression, and notices to colleagues."""
