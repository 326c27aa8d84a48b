"""What colleagues are told: notices in Baton and by mail, about leads, answers, tasks and what has ended."""
