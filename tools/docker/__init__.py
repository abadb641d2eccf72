"""Builds the images and tries them, with docker or with podman."""
