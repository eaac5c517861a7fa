"""Sphinx's configuration of the site."""

project = "Gogobe"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Gogobe"
html_show_sphinx = False
html_copy_source = False
highlight_language = "text"
myst_heading_anchors = 4
nitpicky = True
