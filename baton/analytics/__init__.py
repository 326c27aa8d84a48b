"""Reports over what the other packages recorded: the board of The Model. Reads only."""
