"""One file for each kind of condition; the contract is condition.py beside this folder."""
