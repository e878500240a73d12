"""Can it be trusted: check, findings, sample ratio.

May import: experiment, frame, schema, stats, scores, core, errors.
"""
