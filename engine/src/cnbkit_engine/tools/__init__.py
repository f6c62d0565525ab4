"""Programs that are fetched or compiled: lifecycle, pack, crane."""
