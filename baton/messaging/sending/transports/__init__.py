"""One class for each kind of carrier of e-mail; the contract is transport.py beside this folder."""
