"""The ground everything stands on: configuration, database, jobs, clock, registry. Knows nothing about marketing."""
