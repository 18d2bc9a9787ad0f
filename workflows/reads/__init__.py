"""What the surfaces show, read in few queries for any number of rows, as frozen values.

Each function takes a connection, ids and `now`. What is not known is None with a sentence that says why, never zero.
"""
