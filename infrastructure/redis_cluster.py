"""Redis Cluster for Django's cache: one client of the cluster for each process, in place of a pool of one server."""

from typing import Any, ClassVar

from django_redis.pool import ConnectionFactory


class ClusterConnectionFactory(ConnectionFactory):
    """Connects to the cluster of OPTIONS["ADDRESS"], with the time-outs of the cache."""

    _clusters: ClassVar[dict[str, Any]] = {}

    def connect(self, url: str) -> Any:
        """Return the client of the cluster. Raises redis' ConnectionError, as `RedisAddress.cluster` does."""
        if url not in self._clusters:
            timeouts = {name: self.options[name.upper()] for name in ("socket_timeout", "socket_connect_timeout")}
            self._clusters[url] = self.options["ADDRESS"].cluster(**timeouts)
        return self._clusters[url]
