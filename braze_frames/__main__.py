"""A tour on the sandbox, in the terminal: ``python -m braze_frames``."""

import pandas as pd

from . import connect

NEXT = """\
Next
  Notebooks: .venv/bin/python -m jupyterlab notebooks/01_quickstart.ipynb
  Your own account:
    export BRAZE_REST_ENDPOINT=US-05    # the instance in your dashboard's address
    export BRAZE_API_KEY=...            # needs campaigns.list, .data_series, .details
  then leave out client= below:
    import pandas as pd, braze_frames
    df = pd.read_braze_series("<campaign id>", length=100)
    df.braze.totals(freq="W")
"""

SHOWN = ["unique_recipients", "sent", "delivered", "unique_opens", "conversions"]


def main() -> None:
    """Print the tour: campaigns, one frame, its help card, its weekly totals."""
    with connect("sandbox") as client, pd.option_context("display.width", 100):
        campaigns = client.campaigns()
        print("The sandbox's campaigns (made up, served on this machine)\n")
        print(campaigns[["name", "id"]].to_string(index=False))
        tested = _tested(campaigns)
        print(f"\npd.read_braze_series(<id of {tested['name']!r}>, length=28)\n")
        df = pd.read_braze_series(  # type: ignore[attr-defined]
            tested["id"], length=28, client=client
        )
        print(df[SHOWN].head(8))
        print(f"\n{df.braze}\n\ndf.braze.totals(freq='W')\n")
        print(df.braze.totals(freq="W")[SHOWN])
    print(f"\n{NEXT}")


def _tested(campaigns: pd.DataFrame) -> "pd.Series[str]":
    tests = campaigns[campaigns["tags"].map(lambda tags: "test" in tags)]
    return (tests if len(tests) else campaigns).iloc[0]


if __name__ == "__main__":
    main()
