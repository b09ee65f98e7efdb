"""The errors that the catalogue raises on purpose: each says what to do next."""


class CatalogError(Exception):
    """A write was refused; nothing was changed."""


class NotASessionError(CatalogError):
    """The viewer is an account, where an anonymous session is needed."""


class NotAnAccountError(CatalogError):
    """The viewer is an anonymous session, where an account is needed."""


class AccountFullError(CatalogError):
    """The account has as many profiles as it may."""


class MappingError(CatalogError):
    """It was not said in a way that can be read which column of a file is which field."""


class DataFileError(CatalogError):
    """A data file cannot be read. `line` counts from 1, as an editor does; None: the file as a whole."""

    def __init__(self, file: str, line: int | None, problem: str) -> None:
        self.file, self.line, self.problem = file, line, problem
        super().__init__(f"{file}, line {line}: {problem}" if line is not None else f"{file}: {problem}")
