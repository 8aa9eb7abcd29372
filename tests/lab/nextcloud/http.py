# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WSGI application of the simulated Nextcloud: what every request passes before its route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from lab.nextcloud.server import NextcloudServer


def build_app(server: NextcloudServer) -> Flask:
    return Flask(__name__)
