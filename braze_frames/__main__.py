"""A tour on the sandbox, in the terminal: ``python -m braze_frames``."""

from . import connect, read_braze_series

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

TESTED = "Basket Reminder: Subject Test"
SHOWN = ["unique_recipients", "sent", "delivered", "unique_opens", "conversions"]


def main() -> None:
    """Print the tour: campaigns, one frame, its help card, its weekly totals."""
    with connect("sandbox") as client:
        campaigns = client.campaigns()
        print("The sandbox's campaigns (made up, served on this machine)\n")
        print(campaigns[["name", "id"]].to_string(index=False))
        tested = campaigns.set_index("name")["id"][TESTED]
        print(f"\npd.read_braze_series(<id of {TESTED!r}>, length=28)\n")
        df = read_braze_series(tested, length=28, client=client)
        print(df[SHOWN].head(8).to_string())
        print(f"\n{df.braze}\n\ndf.braze.totals(by='variation', freq='W')\n")
        print(df.braze.totals(by="variation", freq="W")[SHOWN].to_string())
    print(f"\n{NEXT}")


if __name__ == "__main__":
    main()
