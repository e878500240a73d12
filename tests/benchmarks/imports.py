"""``import braze_frames`` against ``import pandas``: CPU of whole processes, in turn.

Run ``python tests/benchmarks/imports.py``.
"""

import resource
import statistics
import subprocess
import sys

PAIRS = 9


def cpu(code):
    """Return the CPU seconds of a new interpreter that runs ``code``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(
        getattr(after, name) - getattr(before, name)
        for name in ("ru_utime", "ru_stime")
    )


def main():
    """Print the median ratio of pairs."""
    ratios = []
    for _ in range(PAIRS + 1):
        below = cpu("import pandas")
        ratios.append(cpu("import pandas, braze_frames") / below)
    print(f"import braze_frames / import pandas: {statistics.median(ratios[1:]):.2f}")


if __name__ == "__main__":
    main()
