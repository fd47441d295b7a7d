"""Cross-department checks: what two departments say of one person, entity or case, held against each other.

`declared` reads the checks (`*.check.yaml` beside the contract of `base.disagreement`), `building` finds who contradicts whom and
keeps it in that table, `counting` tells what is a defect by now and makes results of it.
"""
