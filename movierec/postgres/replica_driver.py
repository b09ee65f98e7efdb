"""psycopg as Django's backend uses it for the replica, with connections that do not wait for one that stands still."""

from psycopg import *  # noqa: F403
from psycopg import Error as Error

from movierec.postgres.connection import ReplicaConnection

connect = ReplicaConnection.connect
