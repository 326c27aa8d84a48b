"""How pages write numbers, dates, names and icons."""
