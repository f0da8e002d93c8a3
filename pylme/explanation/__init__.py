"""What a formula specifies, said in words, in symbols and as a table, and what data show of it.

Above the rooms of formulas and designs, and below the engines: nothing is fitted here. It is not
called by the name of its function, `pylme.explain`, so that no import of the room can hide it.
"""
