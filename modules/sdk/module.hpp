#pragma once
/// @file A module: its description, its plan (reads) and its apply (writes).

#include "modules/sdk/arguments.hpp"
#include "modules/sdk/system.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gpustack::modules {

/// Kinds of change that need a person's or a policy's word.
enum class ChangeClass : std::uint8_t {
  none = 0,
  kernel = 1,
  driver = 2,
  firmware = 4,
  bsp = 8,
  service_restart = 16,
  reboot = 32,
};
constexpr ChangeClass operator|(ChangeClass a, ChangeClass b) {
  return static_cast<ChangeClass>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(ChangeClass classes, ChangeClass one) {
  return (static_cast<unsigned>(classes) & static_cast<unsigned>(one)) != 0;
}

/// One entry of a result's `diff`, with Ansible's keys. Text is shown as a unified diff, anything
/// else field by field.
struct Diff {
  Value before;
  Value after;
  std::string before_header;
  std::string after_header;
  [[nodiscard]] Value to_value() const;
};

// The writes a plan can list; apply_steps() carries them out in order.
struct WriteFile {
  std::string path;
  Content content;
  WriteOptions options;
};
struct CopyFile {
  std::string from;
  std::string to;
  WriteOptions options;
};
struct MakeDirectory {
  std::string path;
  std::uint32_t mode = 0755;
};
struct RemoveFile {
  std::string path;
};
struct RemoveTree {
  std::string path;
};
struct MakeSymlink {
  std::string target;
  std::string path;
};
struct MakeHardlink {
  std::string target;
  std::string path;
};
struct SetMode {
  std::string path;
  std::uint32_t mode = 0;
};
struct SetOwner {
  std::string path;
  Ownership owner;
  bool follow = true;
};
struct SetTimes {
  std::string path;
  std::optional<std::chrono::nanoseconds> accessed, modified;
};
struct SetAttributeFlags {
  std::string path;
  std::string flags;
};
struct WriteKernelFile {
  std::string path;
  std::string text;
};
struct RunCommand {
  Command command;
  std::string what;
};  ///< a non-zero exit fails the task with `what`
using Step = std::variant<WriteFile,
                          CopyFile,
                          MakeDirectory,
                          RemoveFile,
                          RemoveTree,
                          MakeSymlink,
                          MakeHardlink,
                          SetMode,
                          SetOwner,
                          SetTimes,
                          SetAttributeFlags,
                          WriteKernelFile,
                          RunCommand>;

/// What a module would do. In a dry run this is the whole result.
struct Plan {
  bool changed = false;
  bool skipped =
      false;  ///< check mode cannot tell (commands): reported as skipped, `result.msg` says why
  Value result = Value(Map());  ///< result keys known before anything is done
  std::vector<Diff> diffs;
  std::vector<Step> steps;
  ChangeClass classes = ChangeClass::none;
  Value state;  ///< the module's own notes for its apply()

  static Plan none(Value result = Value(Map()));
  static Plan change(Value result = Value(Map()));
  Plan& step(Step step);
  Plan& diff(Value before,
             Value after,
             std::string before_header = {},
             std::string after_header = {});
  Plan& set(std::string_view key, Value value);
};

/// What happened. `failed` is for failures that carry result keys (rc, stderr, …); others return an
/// Error.
struct Outcome {
  bool changed = false;
  bool failed = false;
  Value result = Value(Map());
};

/// Where a module's work is done.
enum class Place : std::uint8_t {
  target,      ///< plan/apply on the host
  controller,  ///< the engine does it (debug, set_fact, …); the spec only describes it
  both,  ///< the engine prepares (reads local files, renders), then plan/apply run on the host
};

enum class CheckSupport : std::uint8_t { full, skipped, none };

struct Example {
  [[no_unique_address]] DocText title;
  [[no_unique_address]] DocText yaml;  ///< one task or several, as a user would write them
};

struct ResultKey {
  [[no_unique_address]] DocText name;
  [[no_unique_address]] DocText doc;
};

struct ModuleSpec {
  std::string_view name;  ///< the short name, which is also the file's
  std::string_view collection = "ansible.builtin";
  std::string_view aliases = {};  ///< other names, comma separated (`systemd_service`)
  [[no_unique_address]] DocText summary;
  std::span<const ArgSpec> args = {};
  std::span<const ArgRule> rules = {};
  std::span<const Example> examples = {};
  std::span<const ResultKey> results = {};
  std::string_view queries =
      {};  ///< read-only commands of plan(): comma-separated argv prefixes, `apt-get --simulate`
  Place place = Place::target;
  CheckSupport check = CheckSupport::full;
  bool has_diff = false;        ///< a change comes with its `diff`
  bool file_arguments = false;  ///< also takes mode, owner, group, attributes, se*, unsafe_writes
  std::string_view free_form =
      {};                      ///< the argument that the free-form text fills (`cmd` for command)
  bool any_arguments = false;  ///< takes any name (set_fact, add_host)
  Result<Plan> (*plan)(const Args&, const SystemView&) = nullptr;
  Result<Outcome> (*apply)(const Plan&, System&) = nullptr;  ///< absent: apply_steps()
};

/// The arguments every file-like module shares.
std::span<const ArgSpec> file_argument_specs();

/// Carries out the plan's steps in order; stops at the first that fails.
Result<Outcome> apply_steps(const Plan& plan, System& system);

/// Runs a module as the runner does: check arguments given, plan, then apply unless it is a dry
/// run.
/// @return a result map with `changed`, and `failed`/`msg` where it failed; `diff` when diff mode
/// is on
Value run_module(const ModuleSpec& spec, const Value& checked_arguments, System& system);
/// The dry run: only a SystemView is needed, so nothing can be written.
Value plan_module(const ModuleSpec& spec, const Value& checked_arguments, const SystemView& view);

/// A result map for a failure.
Value failure(const Error& error);

/// All modules of this program, sorted by name.
std::span<const ModuleSpec* const> all_modules();
/// By short name, alias, or fully qualified name (`ansible.builtin.copy`, `ansible.legacy.copy`,
/// `ansible.posix.mount`).
const ModuleSpec* find_module(std::string_view name);

}  // namespace gpustack::modules
