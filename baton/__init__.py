"""Baton: a self-hosted B2B marketing-automation and CRM platform."""

__version__ = "0.1.0"
