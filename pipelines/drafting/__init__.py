"""Drafts of contracts and suites: from a file, from a table, from a catalogue. A draft is for a person to decide upon."""
