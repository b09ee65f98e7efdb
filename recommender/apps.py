from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RecommenderConfig(AppConfig):
    name = "recommender"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signals, and wire what the lower packages cannot know themselves."""
        # Models can be imported only when all apps are loaded.
        from catalog import selectors, services, signals
        from infrastructure import read_replica
        from infrastructure.signals import process_alive, web_process_ends, web_process_started
        from recommender import cache, checks, process_state, receivers, registry  # noqa: F401  (registers the checks)
        from recommender.ingest import import_journals
        from recommender.monitoring import probe
        from recommender.serving import metrics
        from recommender.staff_roles import sync_staff_groups

        signals.viewers_changed.connect(receivers.publish_viewer_versions)
        signals.catalogue_changed.connect(receivers.publish_catalogue_version)
        signals.epoch_changed.connect(receivers.publish_epoch)
        signals.data_set_replaced.connect(receivers.reject_former_data)
        signals.import_began.connect(import_journals.open_journal)
        cache.set_epoch_bumper(services.bump_epoch)
        process_state.register("replica: when it is asked again", read_replica.forget_failure)
        registry.set_data_set_reader(selectors.data_set)
        registry.on_tick(metrics.flush)
        registry.on_tick(probe.probe_next_viewer)
        registry.on_tick(receivers.record_web_heartbeat)
        registry.on_tick(receivers.refresh_experiments)
        registry.on_tick(receivers.forget_erased_viewers)
        process_alive.connect(receivers.record_heartbeat)
        web_process_started.connect(receivers.start_serving)
        web_process_ends.connect(receivers.flush_logs)
        post_migrate.connect(sync_staff_groups, sender=self)
