"""psycopg as Django wants to see it, with connections that do not wait for a server that is lost."""

from psycopg import *  # noqa: F403
from psycopg import Error as Error

from movierec.postgres.connection import Connection

connect = Connection.connect
