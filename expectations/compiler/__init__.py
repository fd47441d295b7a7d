"""The compiler: a suite to the intermediate form, to one DuckDB scan, to verdicts of three outcomes.

`compile_suite` gives a `Plan`; `Plan.run` gives `Verdicts`. One scan counts how many rows break which rules together;
keys take a GROUP BY each. The meaning of every expectation is Great Expectations' own, to the row (on pandas).
"""
