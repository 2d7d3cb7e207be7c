#include "core/base/shown_path.hpp"
#include "inventory/sources/source.hpp"
#include "inventory/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

namespace gpustack::inventory {

namespace {

namespace fs = std::filesystem;

/// @source ansible-core 2.14, INVENTORY_IGNORE_EXTS and inventory/manager.py
bool is_ignored_in_folder(std::string_view name) {
  constexpr std::array<std::string_view, 13> kEndings = {".pyc",
                                                         ".pyo",
                                                         ".swp",
                                                         ".bak",
                                                         "~",
                                                         ".rpm",
                                                         ".md",
                                                         ".txt",
                                                         ".rst",
                                                         ".orig",
                                                         ".ini",
                                                         ".cfg",
                                                         ".retry"};
  if (name.starts_with('.') || name == "host_vars" || name == "group_vars" ||
      name == "vars_plugins")
    return true;
  return std::ranges::any_of(kEndings,
                             [&](std::string_view ending) { return name.ends_with(ending); });
}

// A file without an extension may be either; its first line with something on it tells which error
// is of use.
bool looks_like_yaml(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    const std::string_view content = trimmed(line);
    if (content.empty() || content[0] == '#' || content[0] == ';') continue;
    return content.starts_with("---") || content.starts_with('{') ||
           (content.ends_with(':') && content.find_first_of(" =[") == std::string_view::npos);
  }
  return false;
}

/// Why a kind could not read a source.
struct Failure {
  const SourceKind* kind;
  Error error;
};

bool starts_like_program(OpenedSource& source) {
  const auto content = source.text();
  return content && content->starts_with("#!");
}

/// Is YAML what the source was meant to be?
bool is_meant_as_yaml(OpenedSource& source, const Error& error) {
  if (source.has_yaml_extension() || error.code() == ErrorCode::vault_no_secret) return true;
  const auto content = source.text();
  return content && looks_like_yaml(*content);
}

/// The one that is about what the source was meant to be.
const Failure& most_telling(const std::vector<Failure>& failures, OpenedSource& source) {
  const auto of = [&](const SourceKind& kind) {
    return std::ranges::find(failures, &kind, &Failure::kind);
  };
  if (const auto plugin = of(kAutoKind);
      plugin != failures.end() && plugin->error.code() != ErrorCode::yaml_type)
    return *plugin;
  if (const auto yaml = of(kYamlKind);
      yaml != failures.end() && is_meant_as_yaml(source, yaml->error))
    return *yaml;
  return failures.back();
}

/// As a sentence that Ansible would print.
std::string sentence(const Error& error) {
  std::string text = error.one_line();
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

class Dispatcher {
 public:
  Dispatcher(SourceContext& context, std::vector<const SourceKind*> kinds)
      : context_(context), kinds_(std::move(kinds)) {}

  Result<bool> read(const std::string& source) {
    std::error_code ignored;
    return fs::is_directory(source, ignored) ? read_folder(source) : read_single(source);
  }

 private:
  Result<bool> read_folder(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code problem;
    for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
         entry.increment(problem)) {
      names.push_back(entry->path().filename());
    }
    if (problem) {
      return Error(ErrorCode::file_unreadable,
                   "cannot read the inventory folder '" + folder + "': " + problem.message());
    }
    std::ranges::sort(names);
    bool is_any_read = false;
    for (const std::string& name : names) {
      if (is_ignored_in_folder(name)) continue;
      GS_TRY(const bool is_read, read((fs::path(folder) / name).string()));
      is_any_read = is_any_read || is_read;
    }
    if (is_any_read || context_.options.wording == Wording::own) return true;
    return not_read(folder, {});
  }

  Result<bool> read_single(const std::string& name) {
    OpenedSource source(name, context_.options.vault);
    const bool is_list = source.is_host_list();
    context_.data.begin_source(name, is_list ? "" : fs::path(name).parent_path());
    std::vector<Failure> failures;
    for (const SourceKind* kind : kinds_) {
      if (!kind->wants(source)) continue;
      auto done = kind->read(context_, source);
      if (done) {
        context_.notes.push_back(Note{
            3, "Parsed " + name + " inventory source with " + std::string(kind->name) + " plugin"});
        context_.read.push_back(name);
        return true;
      }
      failures.push_back(Failure{kind, std::move(done).error()});
      if (is_final(failures.back(), source)) break;
    }
    if (context_.options.wording == Wording::ansible) return not_read(name, failures);
    return not_read_in_own_words(source, failures);
  }

  /// A program that ran and failed is not tried as a list of hosts, which its text may look like;
  /// nor is broken YAML.
  [[nodiscard]] bool is_final(const Failure& failure, OpenedSource& source) const {
    if (failure.kind == &kScriptKind)
      return failure.error.code() != ErrorCode::command_failed || starts_like_program(source);
    return failure.kind == &kYamlKind && context_.options.wording == Wording::own &&
           is_meant_as_yaml(source, failure.error);
  }

  Result<bool> not_read(const std::string& name, const std::vector<Failure>& failures) {
    for (const Failure& failure : failures) {
      context_.warnings.push_back(yaml::Warning{" * Failed to parse " + name + " with " +
                                                    std::string(failure.kind->name) +
                                                    " plugin: " + sentence(failure.error),
                                                {}});
    }
    if (context_.options.unreadable == Unreadable::fails) {
      return Error(ErrorCode::inventory_syntax,
                   "Completely failed to parse inventory source " + name);
    }
    context_.warnings.push_back(
        yaml::Warning{"Unable to parse " + name + " as an inventory source", {}});
    return false;
  }

  Result<bool> not_read_in_own_words(OpenedSource& source, const std::vector<Failure>& failures) {
    Error reason = reason_of(source, failures);
    if (context_.options.unreadable == Unreadable::fails) return reason;
    context_.warnings.push_back(yaml::Warning{
        "the inventory source '" + source.name() + "' is skipped: " + reason.one_line(),
        reason.span()});
    return false;
  }

  static Error reason_of(OpenedSource& source, const std::vector<Failure>& failures) {
    if (failures.empty()) {
      auto content = source.text();
      if (!content) return std::move(content).error();
      return Error(ErrorCode::inventory_syntax,
                   "no enabled kind of inventory reads '" + shown_path(source.name()) + "'")
          .hint("ANSIBLE_INVENTORY_ENABLED names the kinds");
    }
    Error reason = most_telling(failures, source).error;
    if (starts_like_program(source) && !source.is_program()) {
      return std::move(reason).hint("it starts like a program; make it one: chmod +x " +
                                    source.name());
    }
    return reason;
  }

  SourceContext& context_;
  std::vector<const SourceKind*> kinds_;
};

}  // namespace

Result<bool> read_source(SourceContext& context, const std::string& source) {
  GS_TRY(auto kinds, enabled_kinds(context.options.enabled, context.warnings));
  return Dispatcher(context, std::move(kinds)).read(source);
}

}  // namespace gpustack::inventory
