"""A real Home Assistant between our four processes: installed, driven, watched, judged."""
