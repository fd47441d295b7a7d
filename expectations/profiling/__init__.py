"""Rules found from data: a table is profiled in few scans, likely rules are proposed, and the compiler itself judges each once.

Belongs here: data in, figures and a draft suite out. Not here: where rows are kept, pages, the truth about a sample
(`pipelines.profiling`), what a rule means (`compiler/rules/`). Nothing of a suite that stands is read.
"""
