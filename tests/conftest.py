from hypothesis import settings

pytest_plugins = ["tests.guards"]

# How long an example takes on a busy machine says nothing about what it shows.
settings.register_profile("interject", deadline=None)
settings.load_profile("interject")
