"""What a fit is, as plain records, and the protocol that every engine fulfils."""
