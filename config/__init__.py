"""Settings of the installation and their loading."""
