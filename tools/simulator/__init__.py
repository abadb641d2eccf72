"""A living room in software: loudspeaker → room → microphone, a user, noise; in scenes labelled with the truth.

`casting.make_scene` draws a scene from a seed, `staging.set_stage` computes its sound, `acoustic.AcousticRoom` plays it
against whatever leaves the loudspeaker, block by block; `acoustic.device_in` puts the satellite's device there.
"""
