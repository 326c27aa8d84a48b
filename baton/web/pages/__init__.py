"""One file for each page; the contract is page.py beside this folder."""
