"""One file for each thing that enrols people; the contract is trigger.py beside this folder."""
