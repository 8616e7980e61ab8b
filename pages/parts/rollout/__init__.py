"""What the rollout page alone needs."""
