"""What loaders and users keep: files, tables, envelopes and rows → campaigns' answers.

May import: payload, schema, core, errors.
"""
