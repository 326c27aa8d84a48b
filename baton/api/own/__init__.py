"""Resources that only Baton has, below /baton/v1: one file for each area; the manners are those of the whole API."""
