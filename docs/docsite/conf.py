# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx builds the site. `make docs` lays the pages of docs/ and the modules' own documentation beside this file."""

project = "opnc.integration"
project_copyright = "the authors of opnc.integration"
extensions = ["sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_title = "opnc.integration"
html_show_sphinx = False
html_theme_options = {"documentation_home_url": "index.html", "vcs_pageview_mode": ""}
default_role = "any"
highlight_language = "YAML+Jinja"
nitpicky = True
