"""Signals for the apps above. Sent after commit, with the values of that commit, unless the signal says otherwise."""

from django.dispatch import Signal

# versions: dict[int, int], viewer id -> Viewer.version. Sent for resent events too, with the version as it stands.
viewers_changed = Signal()

# of: str, what the rows are or where they come from; command: str. Sent by a command that begins to import; a receiver
# returns a context manager of an ImportJournal.
import_began = Signal()

# version: int, Revision.catalogue
catalogue_changed = Signal()

# epoch: int, Revision.epoch
epoch_changed = Signal()

# data_set: int, Revision.data_set. Sent inside the transaction that replaces the data: a model of the former data
# must not be active for a moment after the commit.
data_set_replaced = Signal()
