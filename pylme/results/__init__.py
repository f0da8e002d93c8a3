"""The results of a fit as plain records, and the protocol that every engine implements."""
