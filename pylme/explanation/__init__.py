"""What a formula specifies, said in words, in symbols and as a table, and what data show of it.

Nothing is fitted here. The room does not have the name of its function, `pylme.explain`, so that
no import of the room can hide the function.
"""
