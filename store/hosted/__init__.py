"""A hosted Supabase project."""
