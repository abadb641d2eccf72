"""A living room in software: loudspeaker → room → microphone, a user, noise; in scenes labelled with the truth.

`sampling.make_scene` draws a scene from a seed, `rendering.render_scene` computes its sound, `acoustic.AcousticRoom`
plays it against what leaves the loudspeaker, block by block; `acoustic.device_in` puts the satellite's device there.
"""
