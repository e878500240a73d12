"""Styled tables of results.

May import: experiment, frame, schema, stats, core, errors.
"""
