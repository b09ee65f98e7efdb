"""Loading whole data sets. Apart from the other writes: a web process needs none of it, nor polars."""

from catalog.loading.datasets import LoadReport, Progress, load_dataset
from catalog.loading.demo import DemoExists, load_demo, remove_legacy_demo
from catalog.loading.film_import import FilmReport, ImportOptions, import_films
from catalog.services.demo import RemovedDemo

__all__ = [
    "DemoExists",
    "FilmReport",
    "ImportOptions",
    "LoadReport",
    "Progress",
    "RemovedDemo",
    "import_films",
    "load_dataset",
    "load_demo",
    "remove_legacy_demo",
]
