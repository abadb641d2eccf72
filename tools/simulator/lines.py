"""What is said in the room."""

from __future__ import annotations

from enum import Enum


class Line(Enum):
    """What a clip of speech is good for."""

    REPLY = "reply"
    REQUEST = "request"
    COMMAND = "command"
    WORD = "word"
    BACKCHANNEL = "backchannel"
    ASIDE = "aside"
    BROADCAST = "broadcast"
    COUGH = "cough"


TEXTS: dict[Line, tuple[str, ...]] = {
    Line.REPLY: (
        "Once upon a time there was a lighthouse on a rock far out in the sea, and in it lived an old man with a cat.",
        "Every evening he climbed the two hundred steps, lit the lamp, and wrote down which ships were passing by.",
        "The weather tomorrow will be mostly cloudy, with a little rain in the afternoon and fresh wind from the west.",
        "Your next appointment is at half past nine with the dentist, and after that you are free until lunch time.",
        "To make the dough, mix five hundred grams of flour with a pinch of salt, then add the water bit by bit.",
        "The museum opens at ten, closes at six, and on the first Sunday of every month you do not have to pay.",
        "I found three recipes for you; the quickest one takes twenty minutes and needs nothing but eggs and cheese.",
        "The bridge was built in eighteen eighty three, and for many years no other bridge in the world was longer.",
    ),
    Line.REQUEST: (
        "wait, I meant the kitchen light and not the one in the bedroom",
        "can you tell me instead what the weather will be like on Sunday",
        "no, please set a timer for ten minutes and turn the oven off",
        "hold on, what did you say about the second one",
        "that is not what I asked, I want to know when the train leaves",
        "actually, could you play some quiet music in the living room",
    ),
    Line.COMMAND: ("turn it off", "louder please", "next one", "wrong room", "tell me more", "cancel that"),
    Line.WORD: ("stop", "no", "wait", "pause", "quiet", "enough"),
    Line.BACKCHANNEL: ("uh huh", "okay", "right", "yes", "I see", "aha", "mm hmm", "yeah"),
    Line.ASIDE: (
        "could you pass me the salt please",
        "did you feed the cat this morning",
        "I think she will come home later tonight",
        "put your shoes next to the door, will you",
    ),
    Line.BROADCAST: (
        "The government announced on Monday that the new law will come into force before the end of the year.",
        "And with only four minutes left to play, the visitors are still one goal ahead of the home side.",
        "Detective, there is something you should see; the window was open, and nobody heard a thing.",
        "Coming up after the break, our guest tonight tells us how she crossed the desert on a bicycle.",
    ),
}
