"""Form definitions and the answers people sent."""
