"""What the user named → batches: files, remote, cached, offline.

May import: cache, account, loaders, payload, api, frame, schema, core, errors.
"""
