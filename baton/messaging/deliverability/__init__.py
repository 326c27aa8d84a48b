"""The good name of a sender: domains and their keys, what the DNS says, reports of receivers, and the brake."""
