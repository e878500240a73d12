"""Serve a sandbox to other programs: ``python -m braze_frames.sandbox --port 8765``."""

from braze_frames.sandbox.sandbox import main

if __name__ == "__main__":
    main()
