"""Score statistics of two proportions, and the values that they accept; no pandas.

May import: core.
"""
