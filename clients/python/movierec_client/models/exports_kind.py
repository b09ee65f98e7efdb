from enum import StrEnum


class ExportsKind(StrEnum):
    EVENTS = "events"
    GENRES = "genres"
    MOVIES = "movies"
    PEOPLE = "people"
    VIEWERS = "viewers"

    def __str__(self) -> str:
        return str(self.value)
