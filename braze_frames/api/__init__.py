"""One authenticated, limited, retried GET; windows of days.

May import: schema, core, errors.
"""
