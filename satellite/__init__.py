"""The room device: microphone, loudspeaker, a VAD that never stops, turn-taking, barge-in."""

import wire  # noqa: F401 - before any library that it keeps from reporting
