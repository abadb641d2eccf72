"""Home Assistant runs the conversation; the satellite lets itself be interrupted."""
