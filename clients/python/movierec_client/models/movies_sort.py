from enum import StrEnum


class MoviesSort(StrEnum):
    ADDED = "added"
    POPULARITY = "popularity"
    RATING = "rating"
    TITLE = "title"
    VALUE_1 = "-title"
    VALUE_3 = "-year"
    VALUE_5 = "-added"
    YEAR = "year"

    def __str__(self) -> str:
        return str(self.value)
