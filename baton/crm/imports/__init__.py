"""Files of other systems become records.

verbs.py is the door: upload -> match -> look -> start -> undo. reading.py makes rows of bytes (encodings.py, store.py), scan.py looks at all of them
once, sources.py and matching.py guess what they are; plan.py reads a row by the columns' targets (targets.py, convert.py, parse.py), chunk.py
writes some rows in one transaction (lookup.py, links.py, consents.py) and run.py goes on from chunk to chunk; undo.py takes it all back.
"""
