"""``import braze_frames`` against ``import pandas``: CPU of whole processes, in turn.

Run ``python tests/benchmarks/imports.py``. The ratio moves by 10 % and more from run to
run; what is loaded does not, so that our modules are counted, too (goal 20 at most).
"""

import resource
import statistics
import subprocess
import sys

PAIRS = 9
COUNT = """
import sys, braze_frames
ours = [m for name, m in sys.modules.items() if name.startswith("braze_frames.")]
files = sum(not m.__file__.endswith("__init__.py") for m in ours)
print(f"{files} modules of ours, and {len(ours) - files} folders")
"""


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
    subprocess.run([sys.executable, "-c", COUNT], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
