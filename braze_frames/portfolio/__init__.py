"""Questions over all campaigns and days of a frame: periods, tests, plans.

May import: experiment, frame, schema, stats, scores, core, errors.
"""
