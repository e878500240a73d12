"""Knows nothing of Braze: array types, days, argument checks, names, number formats.

May import: errors.
"""
