"""What the user named → batches: files, remote, cached, offline.

May import: cache, account, loaders, payload, api, transport, frame, schema, core,
errors.
"""
