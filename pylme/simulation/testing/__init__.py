"""Tests of hypotheses by studies, and their power."""
