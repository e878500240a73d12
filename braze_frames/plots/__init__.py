"""Pictures of results: what each verb of the accessor looks like.

May import: portfolio, drawing, experiment, wording, frame, schema, stats, core, errors.
"""
