"""Records without a good key, held against a base table: certain, for review, different; never merged silently.

`declared` reads the contract's `matching`, `kinds` knows what is alike, `scoring` compiles it to SQL, `records` finds the records,
`running` keeps what was found, `decisions` what people say of it. What the rest uses stands here.
"""

from assets.matching.decisions import DECISIONS, Pair, counts, decide, pairs
from assets.matching.declared import Matching, matched, read_matching
from assets.matching.running import Matched, match
from assets.matching.scoring import MatchingError

__all__ = ["DECISIONS", "Matched", "Matching", "MatchingError", "Pair", "counts", "decide", "match", "matched", "pairs", "read_matching"]
