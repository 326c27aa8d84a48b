"""Campaigns: one mail to an audience, once. verbs.py writes them down, steering.py moves them, run.py does what falls due. See docs/campaigns.md."""
