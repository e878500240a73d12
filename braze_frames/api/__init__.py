"""The client of Braze's REST API: where, who, what is asked; windows of days.

May import: schema, transport, core, errors.
"""
