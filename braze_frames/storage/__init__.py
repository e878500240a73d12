"""Where a cache's files lie: their layout, each proving itself, and the store of them.

``storage`` is the seam: load a campaign with its version, replace it while that version
lies there. ``local`` keeps files in a folder, with a lock for each campaign;
``objects`` keeps them in a ``store``, where each write is conditional.

May import: payload, api, frame, schema, core, errors.
"""
