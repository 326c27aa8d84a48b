"""What people did, and who is who: visitors, events, identity."""
