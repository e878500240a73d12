"""What the user named → batches: files, remote, cached, offline.

May import: cache, storage, account, loaders, payload, api, transport, frame, schema,
core, errors.
"""
