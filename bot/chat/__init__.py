"""What rooms see and say."""
