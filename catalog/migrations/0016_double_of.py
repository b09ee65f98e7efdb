"""What staff say of doubles."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0015_person_tmdb_id")]

    operations = [
        migrations.AddField(
            model_name="movie",
            name="double_of",
            field=models.IntegerField(
                editable=False,
                help_text="Id of the film that staff say it is, its own: of none by its title. "
                "Empty: of those by its title.",
                null=True,
            ),
        ),
    ]
