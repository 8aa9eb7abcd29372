# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Ruby that C(rails runner -) reads: pure ASCII, with its input as data, never as code (field case O07)."""

from __future__ import annotations

import json
import typing as t

#: the line of standard output that is the answer; Rails writes log lines before and after it (OP §16)
MARK = "OPNC_ANSWER"

_INPUT = """\
require "json"
input = JSON.parse(<<~'OPNC_INPUT')
@input@
OPNC_INPUT
"""

_COMMON = r"""
module OpncIntegration
  def self.storage(input)
    Storages::Storage.find(input["storage_id"])
  end

  def self.text(value)
    value.to_s.dup.force_encoding("UTF-8").scrub("?").lines.first.to_s.strip[0, 300]
  end

  def self.error(exception)
    { "class" => exception.class.name, "message" => text(exception.message) }
  end

  def self.say(answer)
    $stdout.write("\n@mark@ #{JSON.generate(answer, ascii_only: true)}\n")
    $stdout.flush
  end
end
""".replace("@mark@", MARK)

_REPLACE_OAUTH_APPLICATION = r"""
module OpncIntegration
  def self.replace_oauth_application(input)
    made = nil
    ActiveRecord::Base.transaction do
      found = storage(input)
      found.oauth_application&.destroy!
      result = Storages::OAuthApplications::CreateService.new(storage: storage(input), user: User.system).call
      raise result.errors.full_messages.join(" ") unless result.success?

      made = result.result
    end
    { "client_id" => made.uid, "client_secret" => made.plaintext_secret }
  end
end
"""

_RUN = """
begin
  OpncIntegration.say(OpncIntegration.public_send(input["operation"], input))
rescue StandardError, ScriptError => exception
  OpncIntegration.say("error" => OpncIntegration.error(exception))
end
"""

OPERATIONS = {"replace_oauth_application": _REPLACE_OAUTH_APPLICATION}


def program(operation: str, arguments: t.Mapping[str, t.Any]) -> str:
    """The Ruby program of one operation.

    Its input is one line of ASCII JSON in a raw heredoc: it begins with a brace, so it can never end the heredoc, and nothing in it is interpolated.

    :raises KeyError: there is no such operation.
    """
    data = json.dumps({"operation": operation, **arguments}, sort_keys=True)
    return _INPUT.replace("@input@", data) + _COMMON + OPERATIONS[operation] + _RUN
