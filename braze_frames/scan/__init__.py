"""The verbs by parts of whole campaigns, run by dask.

``parts`` cuts a source and reads a part; ``answers`` says what is made of parts, and
what of the whole; ``ondask`` alone knows dask, and ``scan`` is what users call.

May import: accessor, reader, sources, portfolio, checks, experiment, cache, storage,
loaders, payload, frame, schema, core, errors.
"""
