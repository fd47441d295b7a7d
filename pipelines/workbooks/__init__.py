"""Workbooks of the rows to mend: out to a department, filled in by people there, and back.

Out (`writing`): sheets of rows as they were handed over (`rows`), what stands around them (`overview`), lists to choose from
(`lists`), who a row is (`identity`), made in memory (`memory`) and locked (`locking`). Back: a file that is not trusted is opened
(`opening`), understood (`reading`), and what it claims is written down (`taking`). Not here: figures (`pipelines.reports`), what a
claim does to a ticket (`pipelines.issues`).
"""
