"""The one long story that the offline responder knows; long enough to be interrupted."""

from __future__ import annotations

STORY = (
    "Once upon a time, an old keeper named Marta lived in a lighthouse at the edge of the sea. "
    "Every evening she climbed the two hundred steps and lit the lamp. "
    "Her only company was a grey dog who was afraid of seagulls. "
    "One winter night a great storm rolled in from the west. "
    "The wind shook the windows, and the waves reached halfway up the tower. "
    "Just before midnight the lamp flickered and went out. "
    "Marta searched every shelf, but there was no oil left. "
    "Far away, between two black waves, she saw the small red light of a fishing boat. "
    "It was coming straight towards the rocks. "
    "So she carried her chairs up the stairs, and her table, and at last her own bed. "
    "She broke them to pieces and burned them one by one. "
    "The fire was bright, and the boat turned away in time. "
    "In the morning six fishermen knocked on her door. "
    "They did not say much, for fishermen seldom do. "
    "But they came back on Sunday with a new table, six chairs, and the softest bed on the whole coast. "
    "The dog slept on it before she could. "
    "And from that night on, whenever the wind came from the west, there was always oil in the lamp."
)
# What the story is about, so that a wish for another subject gets an honest word before it.
SUBJECTS = ("lighthouse", "keeper", "sea", "ocean", "storm", "dog", "boat", "fishermen", "marta", "coast")
PREFACE = "I know only one story by heart, and it is about a lighthouse. Here it is. "


def story_about(subject: str | None) -> str:
    """Return the story, with an honest word before it where another subject was wished for."""
    if subject is None or any(known in subject.lower() for known in SUBJECTS):
        return STORY
    return PREFACE + STORY
