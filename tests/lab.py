"""A JupyterLab of the tests' own, and the system's Chromium in front of it.

Lab, its kernels and matplotlib write into a folder of their own, so that no settings,
history or variables of whoever runs the tests come in, and nothing of them goes out.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

SCRIPT = Path(__file__).with_name("lab.js")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
LIMIT = 120.0  # seconds; waiting ends when what is waited for is there
SCREEN = {"width": 1400, "height": 1000}

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "completer-extension/manager": {"providerTimeout": int(LIMIT * 1000)},
}


def missing():
    """Say how to install what the browser tests lack; nothing where all is there."""
    if not all(map(find_spec, ("playwright", "jupyterlab"))):
        return "needs the extra: pip install '.[test]'"
    if CHROMIUM is None:
        command = "apt-get install -y --no-install-recommends chromium"
        return f"needs Chromium: {command}"
    return ""


def environment(home):
    """Return variables for Lab: folders in ``home``, and no account or backend."""
    own = ("BRAZE_", "JUPYTER", "IPYTHON", "MPL")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(own)}
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "MPLCONFIGDIR": "matplotlib",
        "TMPDIR": "temporary",
    }
    for folder in folders.values():
        (home / folder).mkdir()
    return kept | {name: str(home / folder) for name, folder in folders.items()}


def write_settings(folder):
    """Ask for no news, and wait for completions however slow the kernel is."""
    for name, values in SETTINGS.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))


def build_font_cache(variables):
    """Let matplotlib look for fonts once: it says so on stderr."""
    command = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(command, env=variables, capture_output=True, check=True)  # noqa: S603


@contextmanager
def serve_lab(root, home):
    """Serve the notebooks in a folder; yields an address to be filled with a path."""
    variables = environment(home)
    write_settings(home / "settings")
    build_font_cache(variables)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={root}"),
        "--LabApp.expose_app_in_browser=True",
    ]
    with (home / "lab.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603
            command, env=variables, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield address(process, home)
        finally:
            stop(process)


def address(process, home):
    """Wait for the file in which Lab says where it is."""
    told = home / "runtime" / f"jpserver-{process.pid}.json"
    end = time.monotonic() + LIMIT
    while process.poll() is None and time.monotonic() < end:
        with suppress(FileNotFoundError, json.JSONDecodeError):
            server = json.loads(told.read_text())
            return f"{server['url']}lab/tree/{{}}?reset&token={server['token']}"
        time.sleep(0.1)
    raise RuntimeError((home / "lab.log").read_text())


def stop(process):
    """End Lab, which ends its kernels."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def open_browser():
    """Start the system's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        try:
            yield browser
        finally:
            browser.close()


class OpenNotebook:
    """A notebook in the browser, with a kernel of its own."""

    def __init__(self, browser, address):
        self.page = browser.new_page(viewport=SCREEN)
        self.page.set_default_timeout(LIMIT * 1000)
        self.page.add_init_script(path=SCRIPT)
        self.page_errors = []
        self.page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        self.page.goto(address, wait_until="domcontentloaded")
        self._wait("notebook.isReady()")

    def _ask(self, question):
        return self.page.evaluate(question)

    def _wait(self, condition):
        self.page.wait_for_function(condition)

    def run(self):
        """Run all cells."""
        self._ask("notebook.startAll()")
        self._wait("notebook.isDone()")

    @property
    def cells(self):
        """The cells as they would be stored now."""
        return self._ask("notebook.cells()")

    def see(self):
        """Walk over the cells; return how many tables and images each shows."""
        return [self.look_at(index) for index in range(len(self.cells))]

    def look_at(self, index):
        """Scroll to a cell; return how many tables and images it shows."""
        self._ask(f"notebook.scrollTo({index})")
        self._wait(f"notebook.isPainted({index})")
        return self._ask(f"notebook.seen({index})")

    def read(self, index):
        """Return the text of a cell's outputs, as painted."""
        return self._ask(f"notebook.text({index})")

    def count(self, index, selector):
        """Return how many elements there are in a cell's outputs."""
        return self._ask(f"notebook.count({index}, {json.dumps(selector)})")

    def shoot(self, path):
        """Take a screenshot of the whole notebook, on a screen as long as that."""
        self._ask("notebook.scrollTo(0)")
        self.page.set_viewport_size(SCREEN | {"height": self._ask("notebook.height()")})
        self._wait("notebook.isPaintedWhole()")
        self.page.screenshot(path=path)
        self.page.set_viewport_size(SCREEN)

    def change_theme(self, name):
        """Change how Lab looks."""
        arguments = json.dumps({"theme": name})
        self._ask(f"jupyterapp.commands.execute('apputils:change-theme', {arguments})")
        self._wait(f"document.body.dataset.jpThemeName === {json.dumps(name)}")

    def complete(self, code):
        """Type code into a new cell and press Tab; return what is offered."""
        self._type(code)
        self.page.keyboard.press("Tab")
        offered = self.page.locator(".jp-Completer-item .jp-Completer-match")
        offered.first.wait_for()
        return offered.all_inner_texts()

    def explain(self, code):
        """Type code into a new cell and press Shift-Tab; return what is said."""
        self._type(code)
        self.page.keyboard.press("Shift+Tab")
        told = self.page.locator(".jp-Tooltip-content")
        told.wait_for()
        return told.inner_text()

    def _type(self, code):
        self._ask("notebook.editNewCell()")
        self.page.keyboard.type(code)

    def close(self):
        """Shut down the kernel and close the page."""
        self._ask("notebook.close()")
        self.page.close()
