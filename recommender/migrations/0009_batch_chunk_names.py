from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("recommender", "0008_data_set")]

    operations = [
        migrations.RenameModel("Chunk", "BatchChunk"),
        migrations.RenameField("BatchChunk", "behind", "after_viewer_id"),
        migrations.RenameField("BatchChunk", "upto", "through_viewer_id"),
    ]
