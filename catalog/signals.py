"""What the layers above listen to. All three are sent after commit, with the truth of that commit."""

from django.dispatch import Signal

# versions: dict[int, int], viewer id -> Viewer.version. Sent for resent events too, with the version as it stands.
viewers_changed = Signal()

# version: int, Revision.catalogue
catalogue_changed = Signal()

# epoch: int, Revision.epoch
epoch_changed = Signal()
