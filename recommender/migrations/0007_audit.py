from django.db import migrations, models

import recommender.actors


class Migration(migrations.Migration):
    dependencies = [("recommender", '0006_merges')]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(auto_now_add=True, db_index=True)),
                ("actor", models.CharField(help_text="A member of staff, an API key, a command's user, or the system.", max_length=160)),
                ("action", models.CharField(choices=[("model_activated", "model activated"), ("job_cancelled", "job cancelled"), ("viewer_erased", "viewer erased"), ("viewers_merged", "viewers merged"), ('merge_undone', 'merge undone'), ("key_made", "API key made"), ("key_changed", "API key changed"), ("key_rotated", "API key rotated"), ("key_revoked", "API key revoked")], max_length=20)),
                ("subject", models.CharField(blank=True, help_text="The model, job or key; of viewers nobody is named.", max_length=160)),
                ("details", models.TextField(blank=True)),
                ("request_id", models.CharField(blank=True, help_text="X-Request-ID of the call, which its sender has as well.", max_length=128)),
            ],
            options={"ordering": ["-id"], "verbose_name": "audit entry", "verbose_name_plural": "audit entries"},
        ),
        # Of jobs from before nobody knows: the default that asks who acts comes after the column.
        migrations.AddField("job", "started_by", models.CharField(blank=True, default="", max_length=160)),
        migrations.AlterField("job", "started_by", models.CharField(blank=True, default=recommender.actors.actor, max_length=160)),
        migrations.AddField("job", "cancelled_by", models.CharField(blank=True, default="", max_length=160)),
    ]
