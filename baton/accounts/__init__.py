"""Who may do what: users, teams, roles and API tokens."""
