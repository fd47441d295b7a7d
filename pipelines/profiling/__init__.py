"""A dataset's profile and draft suite: its rows found in the lake, the page, and the draft held to the sample's truth.

Belongs here: what knows the lake, contracts and the sample. Not here: figures and rules (`expectations.profiling`), the screen.
"""
