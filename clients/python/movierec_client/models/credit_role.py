from enum import StrEnum


class CreditRole(StrEnum):
    ACTOR = "actor"
    DIRECTOR = "director"

    def __str__(self) -> str:
        return str(self.value)
