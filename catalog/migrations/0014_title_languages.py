"""The languages of titles are jumped through."""

from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("catalog", "0013_viewer_profiles")]

    operations = [
        migrations.AddIndex(
            model_name="movietranslation",
            index=models.Index(Lower("language"), name="movie_translation_language"),
        ),
    ]
