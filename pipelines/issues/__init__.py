"""What people do about issues, and where each issue stands by it.

An issue itself is evidence (`assets.following`); this package adds what the journal says: dispatched, acknowledged, claimed mended,
disputed, waived. Nothing is kept twice: where an issue stands is worked out from both each time it is published or acted upon.
"""
