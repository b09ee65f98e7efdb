"""How often a long-lived process says that it works, and where the launcher says so.

Standard library alone: the launcher runs before any package is installed.
"""

HEARTBEAT_SECONDS = 10.0  # between two heartbeats of one process
SUPERVISOR_FILE = "supervisor.alive"  # in the state folder; its time is the launcher's last heartbeat
