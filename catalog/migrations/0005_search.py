"""What films and people are searched by: plain texts that Postgres makes itself, whoever writes the row, and the words
that occur in them."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
from django.db import migrations, models

import catalog.models

# What the text parser would not part, or take for a host, a tag or a minus sign; and what stands inside a word.
BETWEEN, WITHIN = "-./:@_<>&\\~", "'`"

# unaccent() counts as changeable, since its rules may be edited; a generated column must not change by itself. Its
# schema is written out, as a restored dump has no search path.
PLAIN = """
DO $do$
DECLARE home text := (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
                      WHERE e.extname = 'unaccent');
BEGIN
  EXECUTE format($create$
    CREATE FUNCTION catalog_plain(given text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
    BEGIN
      RETURN lower(translate(%%1$s.unaccent('%%1$s.unaccent'::regdictionary, given), %%2$L, %%3$L));
    END $body$
  $create$, home, %s, %s);
END $do$;
"""
# Words are only added: one that occurs no more finds nothing.
WORDS = {"catalog_movie": "search_words", "catalog_person": "to_tsvector('simple', search_name)"}
INSERT = """INSERT INTO catalog_searchword (word) SELECT DISTINCT word FROM {rows}, unnest(tsvector_to_array({words})) word
            WHERE length(word) BETWEEN 3 AND 40 ORDER BY word ON CONFLICT DO NOTHING;"""
LEARN = "".join(
    f"""
    CREATE FUNCTION {table}_words() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      {INSERT.format(rows="written", words=words)}
      RETURN NULL;
    END $$;
    """
    + "".join(
        f"""
        CREATE TRIGGER {table}_words_{event.lower()} AFTER {event} ON {table} REFERENCING NEW TABLE AS written
          FOR EACH STATEMENT EXECUTE FUNCTION {table}_words();
        """
        for event in ("INSERT", "UPDATE")
    )
    for table, words in WORDS.items()
)
FILL = "".join(INSERT.format(rows=table, words=words) for table, words in WORDS.items())
FORGET = "".join(
    f"""
    DROP TRIGGER {table}_words_insert ON {table}; DROP TRIGGER {table}_words_update ON {table};
    DROP FUNCTION {table}_words();
    """
    for table in WORDS
)


def make_plain(apps, editor):
    with editor.connection.cursor() as cursor:
        cursor.execute(PLAIN, [BETWEEN + WITHIN, " " * len(BETWEEN)])


def drop_plain(apps, editor):
    editor.execute("DROP FUNCTION catalog_plain(text)")


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0004_merchandising_rules'),
    ]

    operations = [
        migrations.RunPython(make_plain, drop_plain),
        migrations.CreateModel(
            name='SearchWord',
            fields=[
                ('word', models.CharField(max_length=40, primary_key=True, serialize=False)),
            ],
        ),
        migrations.AddField(
            model_name='movie',
            name='search_words',
            field=models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.SearchVector(catalog.models.CatalogPlain(django.db.models.functions.text.Concat('title', models.Value('\n'), 'original_title')), config='simple'), output_field=django.contrib.postgres.search.SearchVectorField()),
        ),
        migrations.AddField(
            model_name='person',
            name='search_name',
            field=models.GeneratedField(db_persist=True, expression=catalog.models.CatalogPlain('name'), output_field=models.TextField()),
        ),
        migrations.RunSQL(FILL + LEARN, FORGET),
        migrations.AddIndex(
            model_name='movie',
            index=django.contrib.postgres.indexes.GinIndex(fields=['search_words'], name='movie_words', fastupdate=False),
        ),
        migrations.AddIndex(
            model_name='person',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector('search_name', config='simple'), name='person_words', fastupdate=False),
        ),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(fields=['search_name'], name='person_search_name'),
        ),
        migrations.AddIndex(
            model_name='searchword',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass('word', name='gin_trgm_ops'), name='search_word_trgm', fastupdate=False),
        ),
    ]
