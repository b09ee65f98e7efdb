"""Merges and erasures know viewers by key."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0011_impression_event_keys")]

    operations = [
        migrations.RenameField("merge", "from_viewer_id", "from_key"),
        migrations.RenameField("merge", "into_viewer_id", "into_key"),
        migrations.AlterField(
            "merge",
            "from_key",
            models.CharField(db_index=True, help_text="As text, a number too.", max_length=128),
        ),
        migrations.AlterField("merge", "into_key", models.CharField(db_index=True, max_length=128)),
        migrations.AddField(
            "erasure",
            "viewer_key",
            models.CharField(blank=True, db_default="", help_text="Where it is a text.", max_length=128),
        ),
    ]
