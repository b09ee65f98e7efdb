import django.contrib.postgres.fields
from django.db import migrations, models

CREATE = """
CREATE TABLE recommender_servedlist (
    id uuid NOT NULL PRIMARY KEY,
    viewer_id integer NOT NULL,
    model_id integer NOT NULL,
    arm_id integer NOT NULL,
    surface smallint NOT NULL CHECK (surface >= 0),
    source smallint NOT NULL CHECK (source >= 0),
    flags smallint NOT NULL CHECK (flags >= 0),
    row text NOT NULL,
    request jsonb NOT NULL,
    films bytea NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX served_list_viewer ON recommender_servedlist (viewer_id) WHERE viewer_id <> 0;
CREATE INDEX served_list_members ON recommender_servedlist USING gin ((request -> 'members')) WHERE surface = 8;
"""
CREATE_OUTCOMES = """
CREATE TABLE recommender_outcome (
    list_id uuid NOT NULL,
    viewer_id integer NOT NULL,
    movie_id integer NOT NULL,
    delay integer NOT NULL,
    kind smallint NOT NULL CHECK (kind >= 0),
    position smallint NOT NULL CHECK (position >= 0),
    is_attributed boolean NOT NULL,
    PRIMARY KEY (list_id, movie_id, kind)
) PARTITION BY RANGE (list_id);
CREATE INDEX outcome_viewer ON recommender_outcome (viewer_id);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('recommender', '0015_import_undo'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE, 'DROP TABLE recommender_servedlist')],
            state_operations=[
                migrations.CreateModel(
                    name='ServedList',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('viewer_id', models.IntegerField(help_text='0: nobody, a group, or somebody who was not known.')),
                        ('model_id', models.IntegerField(help_text='Of the model version; 0: none.')),
                        ('arm_id', models.IntegerField(help_text='Of an experiment; 0: none.')),
                        ('surface', models.PositiveSmallIntegerField(choices=[(1, 'recommend'), (2, 'filtered'), (3, 'similar'), (4, 'home'), (5, 'popular'), (6, 'trending'), (7, 'latest'), (8, 'group'), (9, 'batch')])),
                        ('source', models.PositiveSmallIntegerField(choices=[(1, 'cache'), (2, 'model'), (3, 'similar'), (4, 'content'), (5, 'popular'), (6, 'trending'), (7, 'trending_for_you'), (8, 'latest'), (9, 'history')])),
                        ('flags', models.PositiveSmallIntegerField(help_text='Bits as of served_lists.FLAGS.')),
                        ('row', models.TextField(blank=True, help_text="Key of a home page's row.")),
                        ('request', models.JSONField(help_text='What the call asked for beyond the defaults; of a group its members.')),
                        ('films', models.BinaryField(help_text='As of served_lists.entry.Films.')),
                    ],
                ),
            ],
        ),
        migrations.CreateModel(
            name='LogCursor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('log', models.CharField(max_length=20)),
                ('stream', models.CharField(max_length=40, unique=True)),
                ('last_entry', models.CharField(max_length=40)),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE_OUTCOMES, 'DROP TABLE recommender_outcome')],
            state_operations=[
                migrations.CreateModel(
                    name='Outcome',
                    fields=[
                        ('pk', models.CompositePrimaryKey('list_id', 'movie_id', 'kind', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('list_id', models.UUIDField()),
                        ('viewer_id', models.IntegerField()),
                        ('movie_id', models.IntegerField()),
                        ('delay', models.IntegerField(help_text='Seconds after the list was served.')),
                        ('kind', models.PositiveSmallIntegerField(choices=[(1, 'impression'), (2, 'click'), (3, 'play'), (4, 'completion'), (5, 'like'), (6, 'rating'), (7, 'watchlist'), (8, 'not_interested'), (9, 'dislike')])),
                        ('position', models.PositiveSmallIntegerField(help_text='Of the film in the list, from 0.')),
                        ('is_attributed', models.BooleanField(help_text='No list was named: the newest of a day that had the film.')),
                    ],
                ),
            ],
        ),
        migrations.CreateModel(
            name='OutcomeSum',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('day', models.DateField(help_text='Of the lists, UTC.')),
                ('dimension', models.CharField(help_text='all, surface, row, source, model, arm, viewers or position.', max_length=20)),
                ('value', models.CharField(max_length=80)),
                ('counts', models.JSONField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('day', 'dimension', 'value'), name='outcome_sum_once')],
            },
        ),
        migrations.AlterField(
            model_name='apikey',
            name='scopes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('recommend:read', 'Read'), ('events:write', 'Events'), ('batch:write', 'Batch'), ('catalog:write', 'Catalogue'), ('users:erase', 'Erase'), ('status:read', 'Status'), ('users:read', 'Users Read'), ('users:write', 'Users Write'), ('insights:read', 'Insights')], max_length=20), default=list, size=None),
        ),
    ]
