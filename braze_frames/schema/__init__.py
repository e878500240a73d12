"""What Braze documents, as rows with sources: channels, stats, rates, funnels, ids.

May import: core, errors.
"""
