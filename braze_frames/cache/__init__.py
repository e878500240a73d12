"""Campaigns on disk: layout, coverage, revisions, storage.

May import: payload, api, frame, schema, core, errors.
"""
