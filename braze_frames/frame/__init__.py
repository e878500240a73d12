"""The frame contract: levels, provenance, groups, totals, rates.

Reading and answering meet here alone.

May import: schema, stats, scores, core, errors.
"""
