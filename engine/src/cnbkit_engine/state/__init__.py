"""What lies in $CNBKIT_HOME: folders, locks, workspaces."""
