"""Answers of the endpoint → typed batches → the frame.

May import: frame, schema, core, errors.
"""
