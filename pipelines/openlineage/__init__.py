"""What runs tell others in the form of OpenLineage: what ran, what it read and made, which column came of which, what was checked.

`resource` hears that a run begins and ends, `events` makes the events, `facets` says what is known of datasets, `facts` asks the lake,
`outbox` keeps the events and sends them on. See docs/openlineage.md.
"""
