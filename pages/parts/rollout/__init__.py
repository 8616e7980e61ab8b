"""Code that only the rollout page needs."""
