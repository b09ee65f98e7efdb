"""Rebuild the split of a protocol with LensKit and compare its test events with ours. This script runs alone in an
environment that has LensKit:

    .venv-lenskit/bin/python -P benchmarks/quality/peers/lenskit_runner.py FILE

FILE (npz): `users`, `items`, `times` [n], all events, each user's in the order of watching; `protocol`; `cut`, unix
seconds; `test_users`, `test_items` [m], our test events. The last line of the output is JSON: ours and lenskit (test
events of each), both, tied (of P1: where LensKit's film has the same second as ours), only_lenskit.
"""

import json
import sys

import numpy as np
import pandas as pd
from lenskit.data import Dataset, from_interactions_df
from lenskit.splitting import LastN, split_global_time

MAX_GAP, MIN_EVENTS = 3_600, 3


def last_events(data: Dataset) -> pd.DataFrame:
    """Return the last event of each user with enough of them."""
    events = data.interaction_table(format="pandas", original_ids=True)
    long = events.groupby("user_id")["item_id"].transform("size") >= MIN_EVENTS
    hold_out = LastN(1)
    rows = []
    for user in events.loc[long, "user_id"].unique():
        row = data.user_row(user)
        assert row is not None
        own = hold_out(row)
        rows.append((user, own.ids()[0], own.field("timestamp")[0]))
    return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])


def events_after(data: Dataset, cut: float) -> pd.DataFrame:
    """Return the events after the cut. Ours is between two seconds; LensKit's test begins with its moment."""
    return split_global_time(data, float(np.floor(cut) + 1)).test.to_df()


def later_than_first(events: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Return the test events that are not the first of their user."""
    first = events.drop_duplicates("user_id")  # in the order of watching
    merged = test.merge(first[["user_id", "item_id"]], how="left", indicator=True)
    return test[(merged["_merge"] == "left_only").to_numpy()]


def in_later_visits(events: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Return the test events in visits that begin after the cut and are not the first of their user."""
    gap = events.groupby("user_id")["timestamp"].diff()
    visit = (gap.isna() | (gap > MAX_GAP)).cumsum().rename("visit")
    rows = events.assign(visit=visit)
    rows = rows.merge(test[["user_id", "item_id"]], how="left", indicator="from_test")
    rows["is_test"] = rows["from_test"] == "both"
    begins_in_test = rows.groupby("visit")["is_test"].transform("first")
    is_first = rows["visit"] == rows.groupby("user_id")["visit"].transform("min")
    return rows[begins_in_test & ~is_first]


def main(argv: list[str]) -> None:
    """Compare the splits of the file on the command line."""
    with np.load(argv[0]) as arrays:
        own = dict(arrays)
    events = pd.DataFrame({"user_id": own["users"], "item_id": own["items"], "timestamp": own["times"]})
    data = from_interactions_df(events.copy())
    protocol = str(own["protocol"])
    if protocol == "P1":
        test = last_events(data)
    else:
        test = events_after(data, float(own["cut"]))
        test = (later_than_first if protocol == "P2" else in_later_visits)(events, test)
    ours = set(zip(own["test_users"].tolist(), own["test_items"].tolist(), strict=True))
    theirs = set(zip(test["user_id"].tolist(), test["item_id"].tolist(), strict=True))
    times = events.set_index(["user_id", "item_id"])["timestamp"]
    their_item = dict(theirs) if protocol == "P1" else {}
    tied = sum(times[pair] == times[pair[0], their_item[pair[0]]] for pair in ours - theirs if pair[0] in their_item)
    counts = {"ours": len(ours), "lenskit": len(theirs), "both": len(ours & theirs), "tied": int(tied)}
    print(json.dumps(counts | {"only_lenskit": len(theirs - ours)}))


if __name__ == "__main__":
    main(sys.argv[1:])
