"""What people are given to read, see and click: assets with their stage and gate, landing pages, short links."""
