"""How pictures are drawn: one look, head and foot, lines, bars and forests.

Knows what a frame says of itself, and no verb.

May import: wording, frame, schema, stats, core, errors.
"""
