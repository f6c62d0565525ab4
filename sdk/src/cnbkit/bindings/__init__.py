"""Service bindings, from files and from VCAP_SERVICES."""
