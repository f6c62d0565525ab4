"""Files with which CI services and Kubernetes platforms build images."""
