"""What Binder would build, asked of repo2docker without Docker.

Run from the top folder it prints what its argument names: ``image``, the versions that
Binder's image brings, or ``steps``, the commands that Binder runs in it.
"""

import re
import sys
import warnings
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own dependencies' renamed modules
    import repo2docker.buildpacks
    from repo2docker.app import Repo2Docker

IMAGE = ("jupyterlab", "ipykernel", "ipython", "ipywidgets")  # what shows a notebook


def pack():
    """Return the build pack that takes the current folder."""
    app = Repo2Docker()
    packs = [kind(app.base_image) for kind in app.buildpacks]
    for one in packs:
        one.platform = "linux/amd64"
    return next(one for one in packs if one.detect())


def steps(found):
    """Return the commands that a build pack runs in the folder."""
    return [command for _, command in found.get_assemble_scripts()]


def image(found):
    """Return the pinned versions in the lock file that a build pack installs."""
    (lock,) = (name for name in found.get_build_script_files() if "linux-64" in name)
    text = (Path(repo2docker.buildpacks.__file__).parent / lock).read_text()
    return [f"{name}=={_version(name, text)}" for name in IMAGE]


def _version(name, lock):
    return re.search(rf"/{name}-(\d[^-]*)-", lock)[1]


if __name__ == "__main__":
    print("\n".join({"image": image, "steps": steps}[sys.argv[1]](pack())))
