"""What the user named → batches: files, remote, cached, offline.

May import: cache, account, payload, api, transport, frame, schema, core, errors.
"""
