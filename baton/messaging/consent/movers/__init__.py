"""Moving over from other mail tools: a file a service (`read` of its export files, `Source` of its API), and what is done with the people of all (run.py)."""
