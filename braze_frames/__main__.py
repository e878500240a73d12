"""A tour on the sandbox, in the terminal: ``python -m braze_frames``."""

from braze_frames import connect, read_braze_series

_NEXT = """\
Next
  Notebooks: .venv/bin/python -m jupyterlab notebooks/01_quickstart.ipynb
  Your own account:
    export BRAZE_REST_ENDPOINT=US-05    # the instance in your dashboard's address
    export BRAZE_API_KEY=...            # needs campaigns.list, .data_series, .details
  then leave out client= below:
    import pandas as pd, braze_frames
    df = pd.read_braze_series("<campaign id>", length=100)
    df.braze.rates(freq="W")
    df.braze.lift("conversion_rate_by_send_time")
    df.braze.plot.lift("conversion_rate_by_send_time")
"""
_TESTED = "Basket Reminder: Subject Test"
_SHOWN = ["unique_recipients", "sent", "delivered", "unique_opens", "conversions"]
_RATES = ["unique_open_rate", "unique_click_rate", "conversion_rate_by_send_time"]
_LIFT = ["rate", "control_rate", "lift", "lift_low", "lift_high", "p_adjusted"]


def main() -> None:
    """Print the tour: campaigns, one frame, its weekly totals and rates, its lift."""
    with connect("sandbox") as client:
        campaigns = client.campaigns()
        print("The sandbox's campaigns (made up, served on this machine)\n")
        print(campaigns[["name", "id"]].to_string(index=False))
        tested = campaigns.set_index("name")["id"][_TESTED]
        print(f"\npd.read_braze_series(<id of {_TESTED!r}>, start='2026-03-02')\n")
        df = read_braze_series(tested, start="2026-03-02", client=client)
        print(df[_SHOWN].head(8).to_string())
        print(f"\n{df.braze}\n\ndf.braze.totals(by='variation', freq='W')\n")
        print(df.braze.totals(by="variation", freq="W")[_SHOWN].head(6).to_string())
        print("\ndf.braze.rates([…], by='variation', freq='W')\n")
        rates = df.braze.rates(_RATES, by="variation", freq="W")
        print(rates.head(6).round(4).to_string())
        print(f"\ndf.braze.settled().braze.lift({_RATES[-1]!r})\n")
        lift = df.braze.settled().braze.lift(_RATES[-1])
        print(lift[_LIFT].round(4).to_string())
    print(f"\n{_NEXT}")


if __name__ == "__main__":
    main()
