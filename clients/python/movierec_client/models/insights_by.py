from enum import StrEnum


class InsightsBy(StrEnum):
    ALL = "all"
    ARM = "arm"
    DAY = "day"
    MODEL = "model"
    POSITION = "position"
    ROW = "row"
    SOURCE = "source"
    SURFACE = "surface"
    VIEWERS = "viewers"

    def __str__(self) -> str:
        return str(self.value)
