"""`interject-satellite doctor`: plays a test, listens, and says how well a user can be heard through it."""
