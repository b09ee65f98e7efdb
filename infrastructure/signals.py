"""Signs of life: a process's own loop says that it turns. Who hears it keeps it; see recommender.monitoring."""

from django.dispatch import Signal

HEARTBEAT_SECONDS = 10.0

# Arguments: `kinds`, what the process does (web, beat, the names of its queues), and `process`, its name. Sent from the
# loop that does the work, not from a thread beside it: a loop that hangs has to fall silent.
process_alive = Signal()
