"""The filter language: pure, without Django and without a database."""
