"""Chooses the store that the environment describes."""

from __future__ import annotations

from store.database import Store
from store.embedded.database import EmbeddedStore
from store.environment import StoreSettings


def connect(settings: StoreSettings) -> Store:
    """The hosted store if a Supabase project is configured, else the embedded one; does not connect yet."""
    if settings.supabase_url and settings.supabase_key:
        from store.hosted.supabase import SupabaseStore

        return SupabaseStore(
            settings.supabase_url,
            settings.supabase_key,
            machine=settings.machine,
            person=settings.person,
            cookie_secret=settings.cookie_secret,
        )
    return EmbeddedStore(settings.data_dir)
