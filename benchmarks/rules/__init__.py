"""`make bench-rules`: the same rules over the same typed rows, by Yuanqing, by hand, and by other libraries."""
