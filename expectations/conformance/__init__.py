"""Great Expectations' own test cases, run through our compiler: `python -m expectations.conformance [FOLDER]`, `make conformance`.

Each case is judged three times: as recorded, by Great Expectations today, and by us. What differs is listed one by one,
with its reason, in `known.yaml`; anything else that differs fails the run. Belongs here: reading the cases, both judges,
the comparison. Not here: what a rule means (`compiler/rules/`).
"""
