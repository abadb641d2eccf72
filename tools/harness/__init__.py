"""What demo, benches and tests with real processes share: processes, scenarios, their timelines, and checks of them."""
