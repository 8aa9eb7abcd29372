# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Ruby that C(rails runner) reads: pure ASCII, with its input as data, never as code (field case O07).

It works on 14.2 to 17 by looking for what is there. The services of project storages and OAuth applications keep their names in all
of them; the connection check moved twice (OP §8.2).
"""

from __future__ import annotations

import json
import typing as t

#: begins the line of standard output that is the answer; Rails writes log lines before and after it (OP §16)
MARK = "OPNC_ANSWER"

_INPUT = """\
require "json"
input = JSON.parse(<<~'OPNC_INPUT')
@input@
OPNC_INPUT
"""

_COMMON = r"""
module OpncIntegration
  # what must not stand in an answer, whoever writes it into an error message
  HIDDEN = []

  def self.hide(*secrets)
    HIDDEN.concat(secrets.map(&:to_s).reject(&:empty?))
  end

  def self.text(value)
    line = value.to_s.dup.force_encoding("UTF-8").scrub("?").strip.lines.first.to_s.strip
    HIDDEN.reduce(line) { |shown, secret| shown.gsub(secret, "********") }[0, 300]
  end

  def self.error(exception)
    { "class" => exception.class.name, "message" => text(exception.message) }
  end

  def self.user
    User.system
  end

  def self.storage(input)
    found = Storages::Storage.find(input["storage_id"])
    wanted = input["storage_name"]
    raise ArgumentError, "storage #{found.id} is not the one that was meant" unless wanted.nil? || wanted == found.name

    client = found.oauth_client
    hide(client && client.client_secret, found.respond_to?(:password) ? found.password : nil)
    found
  end

  def self.errors_of(call)
    return [] if call.success?

    calls = [call, *(call.respond_to?(:dependent_results) ? call.dependent_results : [])]
    errors = calls.flat_map { |one| listed(one.errors) }
    errors.empty? ? [problem("base", "unknown", "refused without a reason")] : errors
  end

  def self.listed(errors)
    list = errors.respond_to?(:each) ? errors.each.to_a : [errors].compact
    list.map do |error|
      next problem("base", "unknown", error) unless error.respond_to?(:attribute)

      problem(error.attribute, error.type, error.full_message)
    end
  end

  def self.problem(attribute, symbol, message)
    { "attribute" => attribute.to_s, "symbol" => text(symbol), "message" => text(message) }
  end

  def self.say(answer)
    $stdout.write("\n@mark@ #{JSON.generate(answer, ascii_only: true)}\n")
    $stdout.flush
  end
end
""".replace("@mark@", MARK)

# An automatic folder is deleted only where that was said, even if the mode was changed since it was read.
# A row that is there is changed, whatever was planned: the API does not show rows of projects without work package tracking (OP §3.5).
# Outside manual mode the folder id is cleared, because the service keeps it (OP §16); a project that returns to automatic mode gets
# its former automatic folder back, as in OpenProject's own form, because a second folder of the same name could not be made.
_PROJECT_STORAGES = r"""
module OpncIntegration
  def self.project_storages(input)
    found = storage(input)
    results = %w[delete update create].flat_map do |kind|
      (input[kind] || []).map { |item| carry_out(kind, found, item) }
    end
    { "results" => results }
  end

  def self.carry_out(kind, found, item)
    errors = []
    ActiveRecord::Base.transaction do
      errors = errors_of_step(kind, found, item)
      raise ActiveRecord::Rollback unless errors.empty?
    end
    result(item, errors)
  rescue StandardError => exception
    result(item, [problem("base", "exception", "#{exception.class.name}: #{exception.message}")])
  end

  def self.result(item, errors)
    { "project" => item["identifier"], "ok" => errors.empty?, "errors" => errors }
  end

  def self.errors_of_step(kind, found, item)
    row = Storages::ProjectStorage.find_by(project_id: item["project_id"], storage_id: found.id)
    return errors_of_delete(row, item) if kind == "delete"

    wish = { project_folder_mode: item["mode"], project_folder_id: folder_id(row, item) }
    return errors_of(Storages::ProjectStorages::UpdateService.new(user: user, model: row).call(**wish)) unless row.nil?

    project = Project.find_by(id: item["project_id"], identifier: item["identifier"])
    errors_of(Storages::ProjectStorages::CreateService.new(user: user).call(project: project, storage: found, **wish))
  end

  def self.errors_of_delete(row, item)
    return [] if row.nil?
    if row.project_folder_mode == "automatic" && !item["delete_folder"]
      return [problem("base", "automatic_folder", "has an automatic folder by now, which would be deleted with all files in it")]
    end

    errors_of(Storages::ProjectStorages::DeleteService.new(user: user, model: row).call)
  end

  def self.folder_id(row, item)
    return item["mode"] == "manual" ? item["folder_id"] : nil unless item["mode"] == "automatic" && !row.nil?
    return row.project_folder_id if row.project_folder_mode == "automatic"

    former = Storages::LastProjectFolder.find_by(project_storage_id: row.id, mode: "automatic")
    former.nil? ? nil : former.origin_folder_id
  end
end
"""

_REPLACE_OAUTH_APPLICATION = r"""
module OpncIntegration
  def self.replace_oauth_application(input)
    made = nil
    ActiveRecord::Base.transaction do
      old = storage(input).oauth_application
      old.destroy! unless old.nil?
      call = Storages::OAuthApplications::CreateService.new(storage: storage(input), user: user).call
      raise errors_of(call).map { |error| error["message"] }.join(" ") unless call.success?

      made = call.result
    end
    { "client_id" => made.uid, "client_secret" => made.plaintext_secret }
  end
end
"""

# The check of 15.4 raises ArgumentError while Nextcloud is in maintenance (OP §16). From 16 on it reports checks in groups;
# the group "authentication" is about the acting user's own account in Nextcloud, and the system user never has one, so its warning
# (nc_oauth_token_missing, with single sign-on oidc_non_provisioned_user) says nothing. 15.5 has both checks, and the groups of its new one
# cannot be listed yet.
_CONNECTION_CHECK = r"""
module OpncIntegration
  VALIDATORS = %w[
    Storages::Peripherals::NextcloudConnectionValidator
    Storages::Peripherals::ConnectionValidators::NextcloudValidator
  ].freeze

  def self.connection_check(input)
    found = storage(input)
    validator = validator_class
    return verdict("none", "unavailable", "this version has no connection check") if validator.nil?

    report = run_validator(validator, found)
    report.respond_to?(:error_code) ? verdict(report.type, report.error_code, report.description) : summary(report)
  rescue StandardError => exception
    verdict("error", "raised", "#{exception.class.name}: #{exception.message}")
  end

  def self.validator_class
    if Object.const_defined?("Storages::Adapters::Registry")
      return Storages::Adapters::Registry.resolve("nextcloud.validators.connection")
    end

    name = VALIDATORS.find { |candidate| Object.const_defined?(candidate) }
    name && Object.const_get(name)
  end

  def self.run_validator(validator, found)
    keyword = validator.instance_method(:initialize).parameters.any? { |kind, _name| %i[key keyreq].include?(kind) }
    made = keyword ? validator.new(storage: found) : validator.new(found)
    made.respond_to?(:call) ? made.call : made.validate
  end

  def self.verdict(type, code, description)
    { "type" => type.to_s, "error_code" => code.to_s, "description" => description.nil? ? nil : text(description) }
  end

  def self.summary(report)
    checks = checks_of(report).reject { |check| check["group"] == "authentication" }
    worst = checks.find { |check| check["state"] == "failure" } || checks.find { |check| check["state"] == "warning" }
    return verdict("healthy", "none", nil).merge("checks" => checks) if worst.nil?

    type = worst["state"] == "failure" ? "error" : "warning"
    verdict(type, worst["code"], "#{worst['group']}: #{worst['check']}").merge("checks" => checks)
  end

  def self.checks_of(node, path = [])
    return [check(node, path)] if node.respond_to?(:state)
    return node.flat_map { |part| checks_of(part, path) } if node.is_a?(Array)
    return checks_of(node.results.to_a, path_of(node, path)) if node.respond_to?(:results)

    pairs = (node.respond_to?(:each_pair) ? node : node.to_h).enum_for(:each_pair).to_a
    fields = pairs.to_h { |name, value| [name.to_s, value] }
    return [check_of(path, fields["state"], fields["code"])] if fields.key?("state")

    pairs.flat_map { |name, part| checks_of(part, path + [name]) }
  end

  def self.check(node, path)
    check_of(path_of(node, path), node.state, node.respond_to?(:code) ? node.code : nil)
  end

  def self.path_of(node, path)
    node.respond_to?(:key) && path.last.to_s != node.key.to_s ? path + [node.key] : path
  end

  def self.check_of(path, state, code)
    { "group" => path.first.to_s, "check" => path.last.to_s, "state" => state.to_s, "code" => code.to_s }
  end
end
"""

# Nextcloud's token endpoint looks at the authorization code first and only then at the client (NC §9), so it takes a valid one to
# learn whether the secret is right. A wrong secret does not use it up. The right one turns it into an access token, which is given back at once:
# it belongs to the administrator who let the code be made.
# OpenProject's own requests to storages use no proxy either.
_VERIFY_SECRETS = r"""
require "net/http"

module OpncIntegration
  def self.verify_secrets(input)
    hide(input["code"])
    found = storage(input)
    {
      "application_password" => tried { application_password(found) },
      "nextcloud_client" => tried { nextcloud_client(found, found.oauth_client, input["code"]) }
    }
  end

  def self.tried
    yield
  rescue StandardError
    "unknown"
  end

  def self.application_password(found)
    return "unknown" if found.password.to_s.empty?

    answer = ask(found, Net::HTTP::Head, "remote.php/dav") { |request| request.basic_auth(found.username, found.password) }
    case answer.code
    when /\A2/ then "right"
    when "401" then "wrong"
    else "unknown"
    end
  end

  def self.nextcloud_client(found, client, code)
    return "unknown" if client.nil? || code.nil?

    answer = ask(found, Net::HTTP::Post, "index.php/apps/oauth2/api/v1/token") do |request|
      request.set_form_data(
        "grant_type" => "authorization_code", "code" => code,
        "client_id" => client.client_id, "client_secret" => client.client_secret
      )
    end
    body = JSON.parse(answer.body)
    return body["error"] == "invalid_client" ? "wrong" : "unknown" unless answer.code == "200" && body["access_token"]

    tried { give_back(found, body["access_token"]) }
    "right"
  end

  def self.give_back(found, token)
    ask(found, Net::HTTP::Delete, "ocs/v2.php/core/apppassword") do |request|
      request["Authorization"] = "Bearer #{token}"
      request["OCS-APIRequest"] = "true"
    end
  end

  def self.ask(found, kind, path)
    uri = URI("#{found.host.chomp('/')}/#{path}")
    request = kind.new(uri)
    yield request
    http = Net::HTTP.new(uri.host, uri.port, nil)
    http.use_ssl = uri.scheme == "https"
    http.max_retries = 0
    http.open_timeout = 5
    http.read_timeout = 30
    http.request(request)
  end
end
"""

_RUN = """
begin
  User.current = User.system
  OpncIntegration.say(OpncIntegration.public_send(input["operation"], input))
rescue StandardError, ScriptError => exception
  OpncIntegration.say("error" => OpncIntegration.error(exception))
end
"""

#: the Ruby of each operation; its method has the operation's name
OPERATIONS: t.Mapping[str, str] = {
    "project_storages": _PROJECT_STORAGES,
    "replace_oauth_application": _REPLACE_OAUTH_APPLICATION,
    "connection_check": _CONNECTION_CHECK,
    "verify_secrets": _VERIFY_SECRETS,
}


def program(operation: str, arguments: t.Mapping[str, t.Any]) -> str:
    """The Ruby program of one operation.

    Its input is one line of ASCII JSON in a raw heredoc: the line begins with a brace, so it can never be the one that ends the
    heredoc, and nothing in it is interpolated.

    :raises KeyError: there is no such operation.
    """
    data = json.dumps({"operation": operation, **arguments}, sort_keys=True)
    return _INPUT.replace("@input@", data) + _COMMON + OPERATIONS[operation] + _RUN
