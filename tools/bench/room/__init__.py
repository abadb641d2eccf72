"""The whole satellite in the acoustic room, judged against what truly happened there."""
