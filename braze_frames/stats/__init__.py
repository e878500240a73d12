"""Statistics on arrays; no pandas.

May import: core, errors, scores.
"""
