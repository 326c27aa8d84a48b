"""A believable company with two years of history, its website and its mail catcher."""
