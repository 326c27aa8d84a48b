"""From a message that is due to a relay or a provider: windows, chunks, transports, limits, and what was answered."""
