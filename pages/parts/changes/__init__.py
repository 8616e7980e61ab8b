"""Changes as several pages show them: marks on charts, the story of one, and its undo."""
