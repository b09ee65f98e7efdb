"""Signals for the apps above. All but the last are sent after commit, with the values of that commit."""

from django.dispatch import Signal

# versions: dict[int, int], viewer id -> Viewer.version. Sent for resent events too, with the version as it stands.
viewers_changed = Signal()

# version: int, Revision.catalogue
catalogue_changed = Signal()

# epoch: int, Revision.epoch
epoch_changed = Signal()

# data_set: int, Revision.data_set. Sent inside the transaction that replaces the data: a model of the former data
# must not be active for a moment after the commit.
data_set_replaced = Signal()
