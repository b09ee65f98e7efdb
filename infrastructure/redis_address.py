"""Where a Redis is, as a URL in the environment names it: one server, the master that Sentinel names, or a cluster.

Standard library alone where it is imported: the launcher checks URLs before any package is installed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

SENTINEL_SCHEME, CLUSTER_SCHEME = "redis+sentinel", "redis+cluster"
SENTINEL_PORT, REDIS_PORT = 26379, 6379


class Sentinels(NamedTuple):
    """The Sentinels that know the master of a service, and how they are logged in to."""

    hosts: tuple[tuple[str, int], ...]
    service: str  # the name that the Sentinels have for the master and its replicas
    username: str | None
    password: str | None


class RedisAddress(NamedTuple):
    """A database of a Redis."""

    scheme: str  # redis, rediss or unix
    netloc: str  # credentials and host, as in the URL; with Sentinel the service's name is the host
    path: str  # of a unix socket
    database: int
    query: str
    sentinels: Sentinels | None = None
    nodes: tuple[tuple[str, int], ...] = ()  # of a cluster: those that are asked where the others are

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the address that a URL names. Raises ValueError, whose text repeats nothing of the URL."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.scheme == "unix":
            return cls("unix", parts.netloc, parts.path, _database(query.get("db", "")), "")
        credentials, at, hosts = parts.netloc.rpartition("@")
        if parts.scheme == CLUSTER_SCHEME:
            nodes = tuple(_host(text, REDIS_PORT) for text in hosts.split(","))
            if _database(parts.path.strip("/")):
                raise ValueError("names another database than 0, the only one of a cluster.")
            return cls("redis", f"{credentials}{at}{_in_brackets(nodes[0][0])}:{nodes[0][1]}", "", 0, "", nodes=nodes)
        if parts.scheme != SENTINEL_SCHEME:
            return cls(parts.scheme, parts.netloc, "", _database(parts.path.strip("/")), parts.query)
        service, _, number = parts.path.strip("/").partition("/")
        if not service:
            raise ValueError("names no service behind its hosts, as redis+sentinel://host:26379/mymaster/0 does.")
        sentinels = Sentinels(
            tuple(_host(text, SENTINEL_PORT) for text in hosts.split(",")),
            unquote(service),
            query.get("sentinel_username"),
            query.get("sentinel_password"),
        )
        return cls("redis", f"{credentials}{at}{service}", "", _database(number), "", sentinels)

    def with_offset(self, offset: int) -> Self:
        """Return the database that lies `offset` behind this one."""
        return self._replace(database=self.database + offset)

    def at(self, host: str, port: int) -> Self:
        """Return the same database of one server, as the master that the Sentinels name."""
        credentials, sign, _ = self.netloc.rpartition("@")
        return self._replace(netloc=f"{credentials}{sign}{_in_brackets(host)}:{port}", sentinels=None)

    @property
    def url(self) -> str:
        """Return the URL for redis-py; of a cluster that of its first node. A fragment, which nobody reads, tells
        services of Sentinels apart that have one name."""
        if self.scheme == "unix":
            return f"unix://{self.netloc}{self.path}?db={self.database}"
        fragment = "+".join(host for host, _ in self.sentinels.hosts) if self.sentinels else ""
        return urlunsplit((self.scheme, self.netloc, f"/{self.database}", self.query, fragment))

    @property
    def broker_url(self) -> str:
        """Return the URL for Celery's broker."""
        if self.scheme == "unix":
            return f"redis+socket://{self.path}?virtual_host={self.database}"
        if self.sentinels is None:
            return self.url
        credentials, at, _ = self.netloc.rpartition("@")
        hosts = (f"{_in_brackets(host)}:{port}" for host, port in self.sentinels.hosts)
        return ";".join(f"sentinel://{credentials}{at}{host}/{self.database}" for host in hosts)

    def broker_options(self, **timeouts: Any) -> dict[str, Any]:
        """Return the options of Celery's transport that go with `broker_url`."""
        if self.sentinels is None:
            return {}
        return {"master_name": self.sentinels.service, "sentinel_kwargs": self._sentinel_login() | timeouts}

    def cache_options(self, **timeouts: Any) -> dict[str, Any]:
        """Return the options of django-redis that go with `url`: it asks the Sentinels for the master, and reads from
        no replica, which may lag behind."""
        if self.nodes:
            return {"CONNECTION_FACTORY": "infrastructure.redis_cluster.ClusterConnectionFactory", "ADDRESS": self}
        if self.sentinels is None:
            return {}
        return {
            "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
            "SENTINELS": list(self.sentinels.hosts),
            "SENTINEL_KWARGS": self._sentinel_kwargs(**timeouts),
            "ADDRESS": self,
        }

    @property
    def pool_options(self) -> dict[str, Any]:
        """Return what a pool of connections has to know beside `url`."""
        return {} if self.sentinels is None else {"service_name": self.sentinels.service}

    def connection_pool(self, **options: Any) -> Any:
        """Return a pool of redis-py that makes connections with these options, and tries nothing twice."""
        from redis import ConnectionPool
        from redis.backoff import NoBackoff
        from redis.retry import Retry
        from redis.sentinel import Sentinel, SentinelConnectionPool

        options = {"retry": Retry(NoBackoff(), 0), **options}
        if self.sentinels is None:
            return ConnectionPool.from_url(self.url, **options)
        timeouts = {name: value for name, value in options.items() if name.startswith("socket_")}
        manager = Sentinel(list(self.sentinels.hosts), sentinel_kwargs=self._sentinel_kwargs(**timeouts))
        return SentinelConnectionPool.from_url(self.url, sentinel_manager=manager, **self.pool_options, **options)

    def sentinel_clients(self, **timeouts: Any) -> list[Any]:
        """Return a client of each Sentinel, which tries nothing twice."""
        from redis import Redis

        assert self.sentinels is not None
        login = self._sentinel_kwargs(**timeouts)
        return [Redis(host, port, decode_responses=True, **login) for host, port in self.sentinels.hosts]

    def cluster(self, **options: Any) -> Any:
        """Return redis-py's client of the cluster, which asks its nodes at once where every slot is, and tries nothing
        twice. Raises redis' ConnectionError where no node answers, or a slot has none."""
        from redis import ConnectionError, RedisCluster
        from redis.backoff import NoBackoff
        from redis.cluster import ClusterNode
        from redis.exceptions import RedisClusterException
        from redis.retry import Retry

        login = urlsplit(self.url)
        for name, value in (("username", login.username), ("password", login.password)):
            if value:
                options[name] = unquote(value)
        try:
            return RedisCluster(
                startup_nodes=[ClusterNode(host, port) for host, port in self.nodes],
                dynamic_startup_nodes=False,  # the names of the URL stay where addresses change
                reinitialize_steps=1,
                retry=Retry(NoBackoff(), 0),
                **options,
            )
        except RedisClusterException as error:
            raise ConnectionError(str(error)) from error

    @contextmanager
    def servers(self, **options: Any) -> Iterator[list[Any]]:
        """Yield a client for each server: one, or the masters of the cluster."""
        from redis import Redis

        if not self.nodes:
            with Redis.from_pool(self.connection_pool(**options)) as client:
                yield [client]
            return
        with self.cluster(**options) as cluster:
            yield [cluster.get_redis_connection(node) for node in cluster.get_primaries()]

    def _sentinel_kwargs(self, **timeouts: Any) -> dict[str, Any]:
        """Return how a Sentinel is connected to: where one does not answer, the next is asked."""
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return {"retry": Retry(NoBackoff(), 0), **self._sentinel_login(), **timeouts}

    def _sentinel_login(self) -> dict[str, Any]:
        assert self.sentinels is not None
        login = {"username": self.sentinels.username, "password": self.sentinels.password}
        return {name: value for name, value in login.items() if value is not None}


def _host(text: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise ValueError("names a host that is none: several are separated by commas, each host or host:port.")
    return host, port or default_port


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _database(text: str) -> int:
    if not (text or "0").isdecimal():
        raise ValueError("names its database by a number, as redis://host:6379/0 does.")
    return int(text or 0)
