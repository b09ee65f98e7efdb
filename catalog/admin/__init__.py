"""The admin of movies, people and viewers. Edits go through the services: they are true on the next read.

Events have no list of their own: of 25 million rows staff look at one viewer's.
"""

from catalog.admin.base import CatalogueAdmin, StoredRecordAdmin
from catalog.admin.movies import MovieAdmin
from catalog.admin.named_records import GenreAdmin, PersonAdmin, TagAdmin
from catalog.admin.viewers import ViewerAdmin

__all__ = [
    "CatalogueAdmin",
    "GenreAdmin",
    "MovieAdmin",
    "PersonAdmin",
    "StoredRecordAdmin",
    "TagAdmin",
    "ViewerAdmin",
]
