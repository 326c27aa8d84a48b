"""One file for each thing a workflow can do; the contract is step.py beside this folder."""
