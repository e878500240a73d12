"""What pictures and tables say alike: labels, days and periods, in people's words.

May import: frame, schema, core, errors.
"""
