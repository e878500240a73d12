"""Knows nothing of Braze: arrays, days, argument checks, names, number formats, JSON.

May import: errors.
"""
