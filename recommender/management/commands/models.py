"""manage.py models"""

from typing import Any

from django.core.management.base import BaseCommand

from recommender.models import ModelVersion


class Command(BaseCommand):
    help = "List the model versions, the newest first, with their figures and why each is what it is."

    def handle(self, *args: Any, **options: Any) -> None:
        versions = list(ModelVersion.objects.all())
        if not versions:
            self.stdout.write("There is no model yet: ./run manage train")
            return
        width = max(len(version.name) for version in versions)
        self.stdout.write(f"{'NAME':{width}}  STATUS     NDCG@10   HR@10    FILMS  WHY")
        for one in versions:
            ndcg, hits = (one.metrics.get(key, float("nan")) for key in ("ndcg10", "hr10"))
            line = f"{one.name:{width}}  {one.status:9}  {ndcg:7.4f} {hits:7.4f} {one.movies:8,}  {one.reason}"
            self.stdout.write(self.style.SUCCESS(line) if one.status == ModelVersion.Status.ACTIVE else line)
