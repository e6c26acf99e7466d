"""From who was shown what to a decision that survives review: pure functions of tables, configuration and the day T."""
