"""What the audit log page alone needs."""
