"""What the user named → batches: files, remote, cached, offline.

May import: cache, account, payload, api, frame, schema, core, errors.
"""
