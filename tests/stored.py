"""The stored notebooks, and what a reader sees in their outputs."""

from pathlib import Path

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def code_cells(notebook):
    """Return the cells with code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_meant_to_fail(cell):
    """Say whether a cell shows an error on purpose."""
    return "raises-exception" in cell["metadata"].get("tags", [])


def seen(cell):
    """Count the tables and the images that a cell shows."""
    outputs = [output.get("data", {}) for output in cell.get("outputs", [])]
    pages = [data.get("text/html", "") for data in outputs]
    return {
        "tables": sum(page.count("<table") for page in pages),
        "images": sum("image/png" in data for data in outputs),
    }
