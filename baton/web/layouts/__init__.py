"""The ways a table page shows its records: one file each, found by the registry. The contract is parts/layout.py."""
