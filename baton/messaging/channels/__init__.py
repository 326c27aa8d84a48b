"""One file for each way to reach people; the contract is channel.py beside this folder."""
