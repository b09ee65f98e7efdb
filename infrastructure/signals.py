"""Django signals by which the project's processes tell the applications about themselves."""

from django.dispatch import Signal

# Sent every HEARTBEAT_SECONDS with `kinds`, what the process does (web, beat, the names of its queues), and `process`,
# its name. The loop that does the work sends it, not a thread beside it: a loop that hangs has to fall silent.
process_alive = Signal()

# Sent once by each web process, after the fork and before its first request.
web_process_started = Signal()

# Sent before a process that serves loads a model beside the one that serves: it is about to hold the most memory.
second_model_loads = Signal()

# Sent once by each web process that served, when its last request is answered.
web_process_ends = Signal()
