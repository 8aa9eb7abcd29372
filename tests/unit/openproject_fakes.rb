# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the runner's Ruby uses of OpenProject, on a world that is read from the file OPNC_WORLD and written back at the end.
# The services refuse as the recorded ones do (OP section 16).

require "json"

WORLD = JSON.parse(File.read(ENV.fetch("OPNC_WORLD"), encoding: "UTF-8"))
at_exit { File.write(ENV.fetch("OPNC_WORLD"), JSON.generate(WORLD)) }

$stdout.sync = true
puts "I, [2026-11-25T13:08:37.501640 #25579]  INFO -- : Increasing database pool size to 9 to match max threads"

def log(message)
  print "I, [2026-11-25T13:08:37.501640 #25579]  INFO -- : #{message}"
end

module ActiveRecord
  class RecordNotFound < StandardError; end
  class Rollback < StandardError; end

  class Base
    def self.transaction
      before = JSON.generate(WORLD)
      yield
    rescue Rollback
      WORLD.replace(JSON.parse(before))
      nil
    rescue StandardError
      WORLD.replace(JSON.parse(before))
      raise
    end
  end
end

# A row of the world, with its columns as methods
class Row
  attr_reader :data

  def self.rows(name)
    (WORLD[name] ||= []).map { |data| new(data) }
  end

  def self.find_by(**wanted)
    all.find { |row| wanted.all? { |name, value| row.data[name.to_s] == value } }
  end

  def initialize(data)
    @data = data
  end

  def respond_to_missing?(name, include_private = false)
    @data.key?(name.to_s) || super
  end

  def method_missing(name, *)
    @data.key?(name.to_s) ? @data[name.to_s] : super
  end
end

class User
  class << self
    attr_accessor :current

    def system
      :system
    end
  end
end

class Project < Row
  def self.all
    rows("projects")
  end
end

ServiceFailure = Struct.new(:attribute, :type, :full_message)

class ServiceResult
  attr_reader :errors, :result, :dependent_results

  def initialize(errors, result = nil, dependent_results = [])
    @errors, @result, @dependent_results = errors, result, dependent_results
  end

  def success?
    errors.empty? && dependent_results.all?(&:success?)
  end
end

module Storages
  class Storage < Row
    def self.all
      rows("storages")
    end

    def self.find(id)
      find_by(id: id) || raise(ActiveRecord::RecordNotFound, "Couldn't find Storages::Storage with 'id'=#{id}")
    end

    def oauth_client
      data["oauth_client"] && Row.new(data["oauth_client"])
    end

    def oauth_application
      data["oauth_application"] && Application.new(data)
    end
  end

  Application = Struct.new(:storage) do
    def destroy!
      storage["oauth_application"] = nil
    end
  end

  class ProjectStorage < Row
    def self.all
      rows("project_storages")
    end
  end

  class LastProjectFolder < Row
    def self.all
      rows("last_project_folders")
    end
  end

  module OAuthApplications
    Made = Struct.new(:uid, :plaintext_secret)

    class CreateService
      def initialize(storage:, user:)
        raise ArgumentError unless user == :system

        @storage = storage
      end

      def call
        raise "the old one is still there" if @storage.oauth_application
        return ServiceResult.new([ServiceFailure.new(:name, :taken, "Name has already been taken.")]) if WORLD["refuse"]

        WORLD["storages"].find { |data| data["id"] == @storage.id }["oauth_application"] = { "uid" => "new-id" }
        ServiceResult.new([], Made.new("new-id", "new-secret-\u00e4"))
      end
    end
  end

  module ProjectStorages
    def self.refusals(storage, project, mode, folder_id)
      raise ArgumentError, "'#{mode}' is not a valid project_folder_mode" unless %w[inactive manual automatic].include?(mode)

      errors = []
      errors << ServiceFailure.new(:base, :error_unauthorized, "may not be accessed.") if project.nil? || !project.active
      errors << ServiceFailure.new(:project, :blank, "Project can't be blank.") if project.nil?
      if mode == "manual" && folder_id.to_s.empty?
        errors << ServiceFailure.new(:project_folder_id, :blank, "Project folder Please select a folder.")
      end
      if mode == "automatic" && !storage.data["automatically_managed"]
        message = "Project folder mode is not available for this storage."
        errors << ServiceFailure.new(:project_folder_mode, :mode_unavailable, message)
      end
      errors
    end

    class CreateService
      def initialize(user:)
        raise ArgumentError unless user == :system
      end

      def call(project:, storage:, project_folder_mode:, project_folder_id:)
        errors = ProjectStorages.refusals(storage, project, project_folder_mode, project_folder_id)
        return ServiceResult.new(errors) unless errors.empty?

        WORLD["project_storages"] << {
          "id" => WORLD["project_storages"].size + 1, "project_id" => project.id, "storage_id" => storage.id,
          "project_folder_mode" => project_folder_mode, "project_folder_id" => project_folder_id
        }
        dependent = WORLD["odd"] == project.identifier ? [ServiceFailure.new(:mode, :odd, "Mode is odd.")] : []
        raise "no memory for \u00fc#{storage.data['password']}\nDETAIL: row" if WORLD["fails"] == project.identifier

        log("[ActiveJob] Enqueued Storages::AutomaticallyManagedStorageSyncJob")
        ServiceResult.new([], nil, [ServiceResult.new(dependent)])
      end
    end

    class UpdateService
      def initialize(user:, model:)
        raise ArgumentError unless user == :system

        @model = model
      end

      # the real one keeps an id that is not named
      def call(**values)
        storage = Storage.find(@model.storage_id)
        project = Project.find_by(id: @model.project_id)
        folder_id = values.fetch(:project_folder_id, @model.project_folder_id)
        errors = ProjectStorages.refusals(storage, project, values[:project_folder_mode], folder_id)
        return ServiceResult.new(errors) unless errors.empty?

        WORLD["project_storages"].find { |data| data["id"] == @model.id }.merge!(values.transform_keys(&:to_s))
        ServiceResult.new([])
      end
    end

    class DeleteService
      def initialize(user:, model:)
        raise ArgumentError unless user == :system

        @model = model
      end

      def call
        WORLD["project_storages"].reject! { |data| data["id"] == @model.id }
        ServiceResult.new([])
      end
    end
  end

  # the single verdict; 15.5 has the unfinished groups beside it
  if %w[15.4 15.5].include?(WORLD["check"])
    module Peripherals
      Validation = Struct.new(:type, :error_code, :description)

      class NextcloudConnectionValidator
        def initialize(storage:)
          @storage = storage
        end

        def validate
          raise ArgumentError, "wrong number of arguments (given 2, expected 0..1)" if WORLD["report"].nil?

          Validation.new(*WORLD["report"])
        end
      end
    end
  end

  # groups as maps, listed only by each_pair
  Groups = Struct.new(:map) do
    undef_method :each, :each_pair, :to_a, :to_h

    def each_pair(&block)
      map.each_pair(&block)
    end
  end

  case WORLD["check"]
  when "15.5"
    module Peripherals
      module ConnectionValidators
        class NextcloudValidator
          def initialize(storage:)
            @storage = storage
          end

          def validate
            Object.new
          end
        end
      end
    end
  when "16.0"
    module Peripherals
      module ConnectionValidators
        Check = Struct.new(:state, :code)

        class NextcloudValidator
          def initialize(storage)
            @storage = storage
          end

          def call
            Groups.new(WORLD["report"].transform_values do |group|
              Groups.new(group.transform_values { |state, code| Check.new(state.to_sym, code && code.to_sym) })
            end)
          end
        end
      end
    end
  when "16.3", "17.6"
    module Adapters
      Check = Struct.new(:key, :state, :code)
      Group = Struct.new(:key, :results)
      Listed = Struct.new(:results)

      class Validator
        def initialize(storage)
          @storage = storage
        end

        def call
          groups = WORLD["report"].to_h do |name, checks|
            [name.to_sym, checks.map { |key, (state, code)| Check.new(key.to_sym, state.to_sym, code && code.to_sym) }]
          end
          return Listed.new(groups.map { |key, checks| Group.new(key, checks) }) if WORLD["check"] == "17.6"

          Groups.new(groups.transform_values { |checks| Groups.new(checks.to_h { |check| [check.key, check] }) })
        end
      end

      class Registry
        def self.resolve(name)
          raise KeyError, name unless name == "nextcloud.validators.connection"

          Validator
        end
      end
    end
  end
end
