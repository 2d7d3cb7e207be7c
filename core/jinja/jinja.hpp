#pragma once
/// @file Jinja2 with Ansible's settings: compile once per distinct text, evaluate against a lazy
/// scope.

#include "core/base/value.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::jinja {

/// Where names come from. The implementation renders variables that hold templates when they are
/// asked for (and detects recursion); the evaluator caches nothing across renders.
class Scope {
 public:
  virtual ~Scope() = default;
  /// The value of a name; nothing when it is not defined. An error ends the render.
  virtual Result<std::optional<Value>> lookup(std::string_view name) = 0;
  /// All names, for `vars`, `varnames` and "did you mean".
  [[nodiscard]] virtual std::vector<std::string> names() = 0;
  /// Is the stored value of `name` itself a template text? Ansible keeps the type of `{{ x }}` for
  /// numbers only when x holds the number itself; through a second template it becomes text.
  [[nodiscard]] virtual bool holds_template(std::string_view /*name*/) const { return false; }
};

/// What filters and lookups need from the controller. Every effect goes through here, so tests can
/// fake it.
class Services {
 public:
  virtual ~Services() = default;
  /// Finds a file as Ansible's `find_needle`: `kind` is "files", "templates", "vars" or "" and the
  /// search path is the role's, then the playbook's. Absolute paths are checked as they are. @error
  /// lookup_failed with the places looked at
  virtual Result<std::string> find_file(std::string_view kind, const std::string& name) = 0;
  /// The folders find_file() looks in, nearest first (for fileglob, first_found).
  virtual std::vector<std::string> search_path(std::string_view kind) = 0;
  /// Reads a controller file; vault files are opened.
  virtual Result<std::string> read_file(const std::string& path) = 0;
  /// Runs a controller shell command (`pipe`, `lines`): stdout. @error lookup_failed with rc and
  /// stderr
  virtual Result<std::string> run_shell(const std::string& command) = 0;
  virtual std::optional<std::string> environment(const std::string& name) = 0;
  /// Hosts that match a pattern (`inventory_hostnames`).
  virtual Result<std::vector<std::string>> hosts_matching(const std::string& pattern) = 0;
  /// YAML text to data (`from_yaml`); all documents for parse_yaml_all(). The default reads it with
  /// core/yaml.
  virtual Result<Value> parse_yaml(const std::string& text);
  virtual Result<List> parse_yaml_all(const std::string& text);
  /// Writes a controller file that did not exist, creating folders (`password`). The default does
  /// it, with mode 0600.
  virtual Result<void> write_file(const std::string& path, const std::string& text);
  /// A configuration setting by Ansible's name (`config`); nothing when it is not known.
  virtual std::optional<Value> setting(const std::string& name);
};

struct Limits {
  int depth = 100;                   ///< nested macros, includes, variables
  std::uint64_t steps = 10'000'000;  ///< evaluated nodes
  std::size_t output = 64U << 20U;   ///< bytes of one string
};

struct Options {
  bool trim_blocks = true;  ///< Ansible's settings for templates in YAML and in the template module
  bool lstrip_blocks = false;
  bool keep_trailing_newline = true;
  std::string variable_start = "{{";
  std::string variable_end = "}}";
  std::string block_start = "{%";
  std::string block_end = "%}";
  std::string comment_start = "{#";
  std::string comment_end = "#}";
  std::string newline_sequence = "\n";
  /// Backslashes in strings inside `{{ }}` stay as they are: Ansible's rule for values in
  /// playbooks. Template files unset it.
  bool literal_backslashes = true;

  bool operator==(const Options&) const = default;

  /// Settings for template files (the template module, `include`, the template lookup).
  static Options for_files() {
    Options options;
    options.literal_backslashes = false;
    return options;
  }
};

/// A template file's `#jinja2: key: value, …` line.
struct TemplateHeader {
  Options options;
  std::size_t length = 0;  ///< bytes of the line with its line end; 0 when there is no such line
};
/// Reads the first line; `base` is what it changes. Compile the rest of the text, with an Origin
/// one line further down.
/// @error template_syntax
Result<TemplateHeader> parse_header(std::string_view text, const Options& base);

class Template;  ///< compiled; immutable and shared between hosts and threads

/// Everything one render needs. The pointers outlive the render.
struct Context {
  Scope* scope = nullptr;
  Services* services = nullptr;
  Limits limits;
  /// jinja2_native: values of playbooks are what Python reads in their text.
  bool native = false;
};

/// Compiles with a cache keyed by text and options.
/// Thread: any.
class Environment {
 public:
  Environment();
  ~Environment();

  /// A whole template text. Errors point into `origin` (a YAML scalar or a template file).
  /// @error template_syntax, unknown_filter, unknown_test
  Result<std::shared_ptr<const Template>> compile(std::string_view source,
                                                  const Origin* origin,
                                                  const Options& options);
  /// A bare expression (`when`, `until`, `that`).
  Result<std::shared_ptr<const Template>> compile_expression(std::string_view source,
                                                             const Origin* origin);

 private:
  class Cache;
  std::unique_ptr<Cache> cache_;
};

/// The template's output as text. @error undefined_variable, filter_failed, lookup_failed,
/// template_*
Result<Value> render_text(const Template& compiled, const Context& context);
/// An expression's value; an undefined result is returned as an undefined Value, not as an error.
Result<Value> evaluate(const Template& compiled, const Context& context);
/// Ansible's (non-native) rule for a string in YAML: a lone `{{ expression }}` keeps its type
/// (strings that look like a list or dict literal become one, as Ansible's safe_eval); anything
/// else is text. With Context::native any text that is a Python literal becomes its value.
/// `unsafe` and `secret` marks carry over.
/// @source ansible-core 2.14, ansible_eval_concat and ansible_native_concat
Result<Value> render_value(const Template& compiled, const Context& context);

/// Does the text hold anything to render (`{{`, `{%`, `{#`)?
bool has_template(std::string_view text);

/// Renders a value of any shape: strings are rendered by render_value, lists and maps deeply (keys
/// too); unsafe strings, numbers and objects stay as they are.
Result<Value> render_deep(Environment& environment, const Value& value, const Context& context);

/// Ansible's reading of a condition: a boolean is itself, a string is an expression (templates
/// inside are rendered first).
Result<bool> evaluate_condition(Environment& environment,
                                const Value& condition,
                                const Context& context);

/// What a bare expression reads: `ansible_facts.os_family`, `groups['web']`, each once, in the
/// order written. Functions and methods are not named, what they are called with is.
std::vector<std::string> operands(const Template& expression);

/// Runs a lookup by name, as `with_NAME` does. @error unknown_lookup, lookup_failed
Result<List> run_lookup(std::string_view name,
                        const List& terms,
                        const Map& options,
                        const Context& context,
                        Environment& environment);

/// For hints, `lint` and documentation.
std::vector<std::string_view> filter_names();
std::vector<std::string_view> test_names();
std::vector<std::string_view> lookup_names();

}  // namespace gpustack::jinja
