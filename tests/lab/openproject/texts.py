# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences of the simulated OpenProject, in the two languages that it speaks.

English is recorded (OP §3.9, §16). German is there because messages are localized for the global basic-auth user (OP §2.2): whoever
decides on a text fails here as on a real server. Only the German internal error is recorded, the other German sentences are ours.
"""

from __future__ import annotations

ENGLISH = {
    "unauthenticated": "You need to be authenticated to access this resource.",
    "wrong_credentials": "You did not provide the correct credentials.",
    "missing_permission": "You are not authorized to access this resource.",
    "not_found": "The requested resource could not be found.",
    "internal_error": "An internal error has occurred.",
    "not_json": "The request could not be parsed as JSON.",
    "no_body": "The request body was empty.",
    "unsupported_type": "Expected CONTENT-TYPE to be 'application/json' but got '{value}'.",
    "bad_filters": "The query parameter 'filters' is missing or malformed.",
    "unknown_filter": "Filters {value} filter does not exist.",
    "multiple_errors": "Multiple field constraints have been violated.",
    "read_only": "was attempted to be written but is not writable.",
    "blank": "can't be blank.",
    "too_long": "is too long (maximum is 255 characters).",
    "taken": "has already been taken.",
    "invalid_host_url": "is not a valid URL.",
    "url_not_secure_context": (
        'is not providing a "Secure Context". Either use HTTPS or a loopback address, such as localhost.\n'
    ),
    "cannot_be_connected_to": (
        "could not be reached. Please ensure the host is reachable and the OpenProject integration app is installed."
    ),
    "not_nextcloud_server": "is not a Nextcloud server",
    "minimal_nextcloud_version_unmet": ("does not meet minimal version requirements (must be Nextcloud 23 or higher)"),
    "op_application_not_installed": (
        'appears to not have the app "OpenProject integration" installed. Please install it first and then try again.'
    ),
    "authorization_header_missing": (
        'is not fully set up. The Nextcloud instance does not receive the "Authorization" header, which is necessary for '
        "a Bearer token based authorization of API requests."
    ),
    # From 17.6 on, in words of ours: not recorded (field case O31).
    "ssrf_filtered": (
        "resolves to {value}, an address that OpenProject must not talk to. It can be allowed with "
        "OPENPROJECT_SSRF_PROTECTION_IP_ALLOWLIST."
    ),
    "invalid_password": "is not valid.",
    "unknown_error": "could not be validated. Please check your storage connection and try again.",
    "enterprise_plan_required": "requires at least the Corporate enterprise plan.",
    "authorization_error": "Error",
    "authorization_failed": "Authorization failed",
    "not_connected": "Not connected",
}

GERMAN = {
    "unauthenticated": "Sie müssen angemeldet sein, um auf diese Ressource zuzugreifen.",
    "wrong_credentials": "Die angegebenen Zugangsdaten sind nicht korrekt.",
    "missing_permission": "Sie sind nicht berechtigt, auf diese Ressource zuzugreifen.",
    "not_found": "Die angeforderte Ressource konnte nicht gefunden werden.",
    "internal_error": "Ein interner Fehler ist aufgetreten.",
    "not_json": "Die Anfrage konnte nicht als JSON gelesen werden.",
    "multiple_errors": "Mehrere Feldbedingungen wurden verletzt.",
    "blank": "muss ausgefüllt werden.",
    "too_long": "ist zu lang (maximal 255 Zeichen).",
    "taken": "ist bereits vergeben.",
    "invalid_host_url": "ist keine gültige URL.",
    "cannot_be_connected_to": (
        "konnte nicht erreicht werden. Bitte prüfen Sie, ob der Host erreichbar und die OpenProject-App installiert ist."
    ),
    "invalid_password": "ist nicht gültig.",
    "authorization_error": "Fehler",
    "authorization_failed": "Autorisierung fehlgeschlagen",
    "not_connected": "Nicht verbunden",
}

LANGUAGES = {"en": ENGLISH, "de": GERMAN}

LABELS = {
    "name": "Name",
    "host": "Host",
    "id": "ID",
    "client": "Client ID",
    "clientSecret": "Client secret",
    "authenticationMethod": "Authentication Method",
    "storageAudience": "Storage Audience",
}


def say(language: str, symbol: str, value: str = "") -> str:
    """The sentence for a symbol; English where the language has none."""
    text = LANGUAGES.get(language, ENGLISH).get(symbol, ENGLISH[symbol])
    return text.replace("{value}", value)
