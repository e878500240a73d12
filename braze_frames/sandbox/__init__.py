"""A made-up account behind a real server on loopback.

``api`` only to connect: the parser must not be checked against itself.

May import: api, schema, core, errors.
"""

from braze_frames.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
