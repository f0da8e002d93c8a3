"""Tests and intervals as functions of arrays and of records, whichever engine fitted the model."""
