"""Variations against each other: design, pairs, lift, winner.

May import: frame, schema, stats, scores, core, errors.
"""
