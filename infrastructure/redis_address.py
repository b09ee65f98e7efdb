"""Where a Redis is, as a URL in the environment names it: one server, or the master that Sentinel names.

Standard library alone where it is imported: the launcher checks URLs before any package is installed.
"""

from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

SENTINEL_SCHEME = "redis+sentinel"
SENTINEL_PORT = 26379


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

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the address that a URL names. Raises ValueError, whose text repeats nothing of the URL."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.scheme == "unix":
            return cls("unix", parts.netloc, parts.path, _database(query.get("db", "")), "")
        if parts.scheme != SENTINEL_SCHEME:
            return cls(parts.scheme, parts.netloc, "", _database(parts.path.strip("/")), parts.query)
        credentials, at, hosts = parts.netloc.rpartition("@")
        service, _, number = parts.path.strip("/").partition("/")
        if not service:
            raise ValueError("names no service behind its hosts, as redis+sentinel://host:26379/mymaster/0 does.")
        sentinels = Sentinels(
            tuple(_host(text) for text in hosts.split(",")),
            unquote(service),
            query.get("sentinel_username"),
            query.get("sentinel_password"),
        )
        return cls("redis", f"{credentials}{at}{service}", "", _database(number), "", sentinels)

    def with_offset(self, offset: int) -> Self:
        """Return the database that lies `offset` behind this one."""
        return self._replace(database=self.database + offset)

    @property
    def url(self) -> str:
        """Return the URL for redis-py. Behind Sentinel a fragment, which nobody reads, tells services apart that have
        one name."""
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
        if self.sentinels is None:
            return {}
        return {
            "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
            "SENTINELS": list(self.sentinels.hosts),
            "SENTINEL_KWARGS": self._sentinel_kwargs(**timeouts),
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

    def _sentinel_kwargs(self, **timeouts: Any) -> dict[str, Any]:
        """Return how a Sentinel is connected to: where one does not answer, the next is asked."""
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return {"retry": Retry(NoBackoff(), 0), **self._sentinel_login(), **timeouts}

    def _sentinel_login(self) -> dict[str, Any]:
        assert self.sentinels is not None
        login = {"username": self.sentinels.username, "password": self.sentinels.password}
        return {name: value for name, value in login.items() if value is not None}


def _host(text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise ValueError("names a host that is none: several are separated by commas, each host or host:port.")
    return host, port or SENTINEL_PORT


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _database(text: str) -> int:
    if not (text or "0").isdecimal():
        raise ValueError("names its database by a number, as redis://host:6379/0 does.")
    return int(text or 0)
