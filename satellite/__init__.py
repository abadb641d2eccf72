"""The room device: microphone, loudspeaker, a VAD that never stops, turn-taking, barge-in."""
