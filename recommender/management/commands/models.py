"""manage.py models"""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.models import ModelVersion
from recommender.registry import artifacts, object_store


class Command(BaseCommand):
    help = """List the model versions, the newest first, with their figures, where their folders are (on this machine,
    in the model store) and why each is what it is."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--upload", action="store_true", help="first upload what the model store lacks from here")

    def handle(self, *args: Any, upload: bool, **options: Any) -> None:
        try:
            for name in artifacts.upload_missing() if upload else ():
                self.stdout.write(f"Uploaded {name}")
            stored = object_store.version_names() if object_store.is_configured() else set()
        except object_store.ObjectStoreUnavailable as error:
            if upload:
                raise CommandError(str(error)) from error
            self.stderr.write(str(error))
            stored = set()
        self._list(stored)

    def _list(self, stored: set[str]) -> None:
        versions = list(ModelVersion.objects.all())
        if not versions:
            self.stdout.write("There is no model yet: ./run manage train")
            return
        width = max(len(version.name) for version in versions)
        self.stdout.write(f"{'NAME':{width}}  STATUS     NDCG@10   HR@10    FILMS  WHERE       WHY")
        for version in versions:
            name, is_active = version.name, version.status == ModelVersion.Status.ACTIVE
            ndcg, hits = (version.metrics.get(key, float("nan")) for key in ("ndcg10", "hr10"))
            where = "+".join(("here",) * artifacts.is_local(name) + ("store",) * (name in stored)) or "-"
            line = f"{name:{width}}  {version.status:9}  {ndcg:7.4f} {hits:7.4f} {version.movies:8,}  {where:10}  "
            line += version.reason
            self.stdout.write(self.style.SUCCESS(line) if is_active else line)
