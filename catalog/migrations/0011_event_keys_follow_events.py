"""The keys of events go when their events go, whoever deletes them."""

from django.db import migrations

TRIGGERS = """
CREATE FUNCTION catalog_forget_event_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM catalog_eventkey USING gone WHERE catalog_eventkey.id = gone.client_event_id;
  RETURN NULL;
END $$;
CREATE FUNCTION catalog_forget_all_event_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM catalog_eventkey;
  RETURN NULL;
END $$;
CREATE TRIGGER catalog_watchevent_keys_delete AFTER DELETE ON catalog_watchevent REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION catalog_forget_event_keys();
CREATE TRIGGER catalog_watchevent_keys_truncate AFTER TRUNCATE ON catalog_watchevent
  FOR EACH STATEMENT EXECUTE FUNCTION catalog_forget_all_event_keys();
"""
NO_TRIGGERS = """
DROP TRIGGER catalog_watchevent_keys_delete ON catalog_watchevent;
DROP TRIGGER catalog_watchevent_keys_truncate ON catalog_watchevent;
DROP FUNCTION catalog_forget_event_keys();
DROP FUNCTION catalog_forget_all_event_keys();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0010_site_data")]

    operations = [migrations.RunSQL(TRIGGERS, NO_TRIGGERS)]
