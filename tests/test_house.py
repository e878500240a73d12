"""The house: rooms, what each may import, sizes, and one place for each name."""

import ast
import re
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "braze_frames"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
# Top to bottom; what stands on one line must not know each other. ``account`` and
# ``card`` are single files that stand among the rooms.
LAYERS = (
    "__init__ __main__",
    "registration",
    "scan",
    "reader accessor",
    "sources plots checks card tables",
    "portfolio drawing",
    "cache account experiment wording",
    "loaders storage",
    "payload sandbox",
    "api frame",
    "schema stats transport",
    "scores",
    "core",
    "errors",
)
ANSWERING = {
    "frame",
    "stats",
    "scores",
    "experiment",
    "checks",
    "plots",
    "tables",
    "card",
}
ANSWERING |= {"portfolio", "wording", "drawing"}
READING = {"payload", "api", "transport", "cache", "sandbox", "sources", "account"}
READING |= {"loaders", "storage"}


def room_of(path):
    """Return the room of a file; a file beside the rooms is one of its own."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def tree_of(path):
    """Parse a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path):
    """Return our modules that a file imports, in functions and for types too."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            package = (PACKAGE.name,) if node.level else ()
            name = ".".join(filter(None, (*package, node.module)))
            found |= {f"{name}.{alias.name}" for alias in node.names} | {name}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    ours = {module_of(one) for one in FILES} - {PACKAGE.name}
    return found & ours


def module_of(path):
    """Return a file's dotted name."""
    parts = (PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


def rooms_used(room):
    """Return the other rooms that a room's files import."""
    files = [path for path in FILES if room_of(path) == room]
    used = chain.from_iterable(imports_of(path) for path in files)
    return {name.split(".")[1] for name in used} - {room}


def may_import(room):
    """Read what a room's docstring says that it may import."""
    doc = ast.get_docstring(tree_of(PACKAGE / room / "__init__.py"))
    return set(re.split(r",\s+", re.search(r"May import: ([\w,\s]+)\.", doc)[1]))


def test_every_room_and_file_has_its_layer():
    assert Counter(" ".join(LAYERS).split()) == Counter(
        {room_of(path) for path in FILES}
    )


@pytest.mark.parametrize("line", range(len(LAYERS)))
def test_imports_point_down_the_layers(line):
    below = set(" ".join(LAYERS[line + 1 :]).split())
    for room in LAYERS[line].split():
        assert rooms_used(room) <= below


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_its_docstring_says(room):
    assert rooms_used(room) <= may_import(room)


def test_the_answering_wing_knows_nothing_of_the_reading_wing():
    for room in ANSWERING:
        assert not rooms_used(room) & READING
    assert not rooms_used("sandbox") & {"payload", "frame", "cache", "sources"}


def test_the_sandbox_asks_for_the_client_only_to_connect():
    users = [
        path.name
        for path in FILES
        if room_of(path) == "sandbox"
        and any(name.startswith("braze_frames.api") for name in imports_of(path))
    ]
    assert users == ["sandbox.py"]


def test_no_module_imports_itself_by_a_detour():
    waiting = {module_of(path): imports_of(path) for path in FILES}
    while ready := {name for name, used in waiting.items() if not used & {*waiting}}:
        waiting = {k: used for k, used in waiting.items() if k not in ready}
    assert not waiting


def test_rooms_and_modules_stay_small():
    for room in ROOMS:
        names = {path.name for path in (PACKAGE / room).glob("*.py")}
        assert len(names - {"__init__.py", "__main__.py"}) <= 8, room
    beside = {path.name for path in PACKAGE.glob("*.py")}
    assert len(beside - {"__init__.py", "__main__.py"}) <= 6


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_modules_and_functions_stay_readable(path):
    assert path.read_text(encoding="utf-8").count("\n") <= 450
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef):
            doc = len((ast.get_docstring(node, clean=False) or "").splitlines())
            size = node.end_lineno - node.lineno + 1 - doc
            assert size <= 50, f"{node.name} has {size} lines"


def test_rooms_hold_no_code_of_their_own():
    for room in ROOMS:
        body = tree_of(PACKAGE / room / "__init__.py").body[1:]
        assert all(isinstance(node, ast.ImportFrom | ast.Assign) for node in body)
        assert not body or room == "sandbox", "it hands on Sandbox"


def public_names(path):
    """Return the public names that a file defines, once each."""
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            parts = chain.from_iterable(map(ast.walk, node.targets))
            yield from (part.id for part in parts if isinstance(part, ast.Name))
        elif isinstance(node, ast.AnnAssign):
            yield node.target.id


def test_no_public_name_is_defined_in_two_modules():
    files = [path for path in FILES if path.name not in {"__init__.py", "__main__.py"}]
    names = Counter(chain.from_iterable({*public_names(path)} for path in files))
    assert not [n for n, k in names.items() if k > 1 and not n.startswith("_")]


def test_statistics_know_nothing_of_pandas():
    for path in chain.from_iterable(
        (PACKAGE / n).glob("*.py") for n in ("scores", "stats")
    ):
        for node in ast.walk(tree_of(path)):
            names = [alias.name for alias in getattr(node, "names", [])]
            names += [getattr(node, "module", None) or ""]
            assert not any(name.partition(".")[0] == "pandas" for name in names)


def texts_of(path):
    """Return the text constants of a file that are no docstrings."""
    tree = tree_of(path)
    docs = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and node not in docs
        and isinstance(node.value, str)
    }


@pytest.mark.parametrize(
    "path",
    [one for one in FILES if room_of(one) not in {"sandbox", "schema", "__main__"}],
    ids=module_of,
)
def test_no_room_but_the_schema_names_a_stat(path):
    from braze_frames.schema.channels import CHANNELS, STAT

    named = texts_of(path) & ({*STAT} | {channel.name for channel in CHANNELS})
    assert named <= {"errors", "read"}, "a key of answers, and what files can do"
