# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords for accounts that nobody logs in to, made so that a password policy accepts them."""

from __future__ import annotations

import re
import secrets as randomness
import string

#: length that the integration app gives its own passwords (NC §3.1)
LENGTH = 72
#: Nextcloud itself refuses longer ones
LONGEST = 469
#: symbols that neither a shell, nor a template, nor a line-based protocol reads as something else
SYMBOLS = "-_.,:+=@#%!?"
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits, SYMBOLS)


def generate(length: int = LENGTH) -> str:
    """A password with characters of all four classes; two of the same never follow each other."""
    alphabet = "".join(_CLASSES)
    characters = [randomness.choice(kind) for kind in _CLASSES]
    while len(characters) < length:
        character = randomness.choice(alphabet)
        if character != characters[-1]:
            characters.append(character)
    return "".join(characters)


def requested_length(message: str) -> int | None:
    """The length that a policy's refusal asks for ("at least 100 characters"), or C(None) when it asks for something else.

    The text is in the administrator's language, so only its numbers are looked at.
    """
    numbers = [int(number) for number in re.findall(r"(?<![\d.,])\d{1,3}(?![\d.,]*\d)", message)]
    longer = [number for number in numbers if LENGTH < number <= LONGEST]
    return max(longer) if longer else None
