"""People are found without punctuation and movies by their translated titles, whose words correct typing errors too."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import catalog.models

LEARN = """
CREATE FUNCTION catalog_movietranslation_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO catalog_searchword (word) SELECT DISTINCT word FROM written, unnest(tsvector_to_array(search_words)) word
    WHERE length(word) BETWEEN 3 AND 40 ORDER BY word ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER catalog_movietranslation_words_insert AFTER INSERT ON catalog_movietranslation
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION catalog_movietranslation_words();
CREATE TRIGGER catalog_movietranslation_words_update AFTER UPDATE ON catalog_movietranslation
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION catalog_movietranslation_words();
"""
FORGET = """
DROP TRIGGER catalog_movietranslation_words_insert ON catalog_movietranslation;
DROP TRIGGER catalog_movietranslation_words_update ON catalog_movietranslation;
DROP FUNCTION catalog_movietranslation_words();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0011_event_keys_follow_events")]

    operations = [
        migrations.AddField(
            model_name="movietranslation",
            name="search_words",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.contrib.postgres.search.SearchVector(
                    catalog.models.CatalogPlain("title"), config="simple"
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="movietranslation",
            index=django.contrib.postgres.indexes.GinIndex(
                fastupdate=False, fields=["search_words"], name="movie_translation_words"
            ),
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(catalog.models.WithoutSpaces("search_name"), name="person_by_letters"),
        ),
        migrations.RunSQL(LEARN, FORGET),
    ]
