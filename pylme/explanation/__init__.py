"""What a formula specifies, said in words, in symbols and as a table, and what data show of it."""
