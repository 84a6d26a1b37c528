"""Adapters to mail servers and chat networks; each implements a port of ``bot.core``."""
