"""The product's hearing over recordings of real loudspeakers and microphones."""
