from enum import StrEnum


class ChartSource(StrEnum):
    LATEST = "latest"
    POPULAR = "popular"
    TRENDING = "trending"
    TRENDING_FOR_YOU = "trending_for_you"

    def __str__(self) -> str:
        return str(self.value)
