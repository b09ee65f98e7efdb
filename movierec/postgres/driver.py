"""psycopg as Django's backend uses it, with connections that do not wait for a server that is down."""

from psycopg import *  # noqa: F403
from psycopg import Error as Error

from movierec.postgres.connection import Connection

connect = Connection.connect
