"""The few certificates that films have are found without reading the films."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_viewer_sessions")]

    operations = [
        migrations.AddIndex("movie", models.Index(fields=["certificate"], name="movie_certificate")),
    ]
