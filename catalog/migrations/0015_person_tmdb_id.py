"""People may have an id at TMDB, by which they are told apart as by that at IMDb."""


import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0014_title_languages'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='person',
            name='person_by_name_once',
        ),
        migrations.AddField(
            model_name='person',
            name='tmdb_id',
            field=models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='TMDB id'),
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.UniqueConstraint(condition=models.Q(('imdb_id', ''), ('tmdb_id__isnull', True)), fields=('name',), name='person_by_name_once'),
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.UniqueConstraint(fields=('tmdb_id',), name='person_by_tmdb_once'),
        ),
    ]
