#include "core/cli/module_doc.hpp"

#include <algorithm>

namespace gpustack::cli {

namespace {

using modules::ArgRule;
using modules::ArgSpec;
using modules::ArgType;
using modules::CheckSupport;
using modules::ModuleSpec;
using modules::Place;
using modules::split_names;

/// Ansible's words.
std::string_view type_word(ArgType type) {
  switch (type) {
    case ArgType::string:
      return "str";
    case ArgType::integer:
      return "int";
    case ArgType::real:
      return "float";
    case ArgType::boolean:
      return "bool";
    case ArgType::list:
      return "list";
    case ArgType::map:
      return "dict";
    case ArgType::path:
      return "path";
    case ArgType::raw:
    case ArgType::mode:
      return "raw";
  }
  return "raw";
}

std::string_view place_word(Place place) {
  switch (place) {
    case Place::target:
      return "host";
    case Place::controller:
      return "controller";
    case Place::both:
      return "both";
  }
  return "host";
}

std::string_view check_word(CheckSupport support) {
  switch (support) {
    case CheckSupport::full:
      return "full";
    case CheckSupport::skipped:
      return "skipped";
    case CheckSupport::none:
      return "none";
  }
  return "none";
}

std::string_view kind_word(ArgRule::Kind kind) {
  switch (kind) {
    case ArgRule::Kind::mutually_exclusive:
      return "mutually_exclusive";
    case ArgRule::Kind::required_together:
      return "required_together";
    case ArgRule::Kind::required_one_of:
      return "required_one_of";
    case ArgRule::Kind::required_if:
      return "required_if";
    case ArgRule::Kind::required_by:
      return "required_by";
  }
  return "";
}

/// Line ends as their escapes.
std::string on_one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out += c == '\n' ? "\\n" : "\\r";
    } else {
      out += c;
    }
  }
  return out;
}

std::string listed(std::string_view names) {
  std::string out;
  for (const std::string_view name : split_names(names))
    out.append(out.empty() ? "" : ", ").append(on_one_line(name));
  return out;
}

std::string rule_text(const ArgRule& rule) {
  std::string names = listed(rule.names);
  const std::string when(rule.when);
  switch (rule.kind) {
    case ArgRule::Kind::mutually_exclusive:
      return "Only one of: " + names;
    case ArgRule::Kind::required_together:
      return "All or none of: " + names;
    case ArgRule::Kind::required_one_of:
      return "At least one of: " + names;
    case ArgRule::Kind::required_if:
      return "With '" + when + ": " + std::string(rule.equals) +
             "': " + (rule.any ? "at least one of " : "") + names;
    case ArgRule::Kind::required_by:
      return "With '" + when + "': " + names;
  }
  return names;
}

std::string check_text(const ModuleSpec& spec) {
  if (spec.place == Place::controller) return "changes no host";
  switch (spec.check) {
    case CheckSupport::full:
      return "tells what would change";
    case CheckSupport::skipped:
      return "is skipped where only doing it tells the outcome";
    case CheckSupport::none:
      return "is skipped";
  }
  return "";
}

std::string type_text(const ArgSpec& spec) {
  std::string out(type_word(spec.type));
  if (spec.type == ArgType::list && spec.elements != ArgType::raw)
    out.append(" of ").append(type_word(spec.elements));
  return out;
}

std::string empty_word(ArgType type) {
  if (type == ArgType::list) return "[]";
  return type == ArgType::map ? "{}" : "\"\"";
}

void add_arguments(std::string& out, std::span<const ArgSpec> specs, const std::string& indent) {
  for (const ArgSpec& spec : specs) {
    if (!is_for_users(spec)) continue;
    out.append(indent).append(spec.name).append(" (").append(type_text(spec));
    if (spec.required) out += ", required";
    if (spec.has_fallback()) {
      out.append(", default: ")
          .append(spec.fallback.empty() ? empty_word(spec.type) : on_one_line(spec.fallback));
    }
    out += ")\n";
    const std::string below = indent + "    ";
    out.append(below).append(spec.doc).append("\n");
    if (!spec.choices.empty()) out += below + "One of: " + listed(spec.choices) + "\n";
    if (!spec.aliases.empty()) out += below + "Also called: " + listed(spec.aliases) + "\n";
    if (!spec.refused.empty()) {
      out.append(below).append("Refused when it asks for anything: ").append(spec.refused);
      out += "\n";
    }
    add_arguments(out, spec.options, below);
  }
}

void add_examples(std::string& out, const ModuleSpec& spec) {
  out += "\nEXAMPLES\n";
  for (const modules::Example& example : spec.examples) {
    out.append("\n- name: ").append(example.title).append("\n");
    std::string_view text = example.yaml;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      out.append("  ").append(text.substr(0, end)).append("\n");
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
}

Value names_data(std::string_view names) {
  List out;
  for (const std::string_view name : split_names(names)) out.emplace_back(name);
  return out;
}

Value default_data(const ArgSpec& spec) {
  if (!spec.fallback.empty()) {
    auto value = modules::convert_argument(spec.type, Value(spec.fallback.view()), spec.name);
    return value ? std::move(*value) : Value(spec.fallback.view());
  }
  if (spec.type == ArgType::list) return List();
  return spec.type == ArgType::map ? Value(Map()) : Value("");
}

Value arguments_data(std::span<const ArgSpec> specs) {
  List out;
  for (const ArgSpec& spec : specs) {
    if (!is_for_users(spec)) continue;
    Value one = Value::map({{"name", spec.name.view()}, {"type", type_word(spec.type)}});
    if (spec.type == ArgType::list) one.set("elements", type_word(spec.elements));
    if (spec.required) one.set("required", true);
    if (spec.has_fallback()) one.set("default", default_data(spec));
    if (!spec.choices.empty()) one.set("choices", names_data(spec.choices));
    if (!spec.aliases.empty()) one.set("aliases", names_data(spec.aliases));
    if (spec.is_secret) one.set("secret", true);
    if (!spec.refused.empty()) one.set("refused", spec.refused);
    if (!spec.options.empty()) one.set("options", arguments_data(spec.options));
    one.set("doc", spec.doc);
    out.push_back(std::move(one));
  }
  return out;
}

Value rules_data(std::span<const ArgRule> rules) {
  List out;
  for (const ArgRule& rule : rules) {
    Value one = Value::map({{"kind", kind_word(rule.kind)}, {"names", names_data(rule.names)}});
    if (!rule.when.empty()) one.set("when", rule.when.view());
    if (rule.kind == ArgRule::Kind::required_if) {
      one.set("equals", rule.equals.view());
      one.set("any", rule.any);
    }
    one.set("text", rule_text(rule));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

bool is_for_users(const ArgSpec& spec) { return !spec.name.starts_with('_'); }

std::string module_text(const ModuleSpec& spec) {
  std::string out;
  out.append(spec.collection).append(".").append(spec.name).append("\n\n  ");
  out.append(spec.summary).append("\n");
  if (!spec.aliases.empty()) out += "\n  Also called: " + listed(spec.aliases) + "\n";
  out += "\nARGUMENTS\n";
  if (spec.any_arguments) out += "  Any names.\n";
  add_arguments(out, spec.args, "  ");
  if (spec.file_arguments) add_arguments(out, modules::file_argument_specs(), "  ");
  if (!spec.free_form.empty()) {
    out.append("\n  Text behind the module's name is '").append(spec.free_form).append("'.\n");
  }
  if (!spec.rules.empty()) out += "\nRULES\n";
  for (const ArgRule& rule : spec.rules) out += "  " + rule_text(rule) + "\n";
  out += "\nDRY RUN\n  --check " + check_text(spec) + "\n  --diff ";
  out += spec.has_diff ? "shows before and after\n" : "adds nothing\n";
  if (!spec.results.empty()) out += "\nRESULT\n";
  for (const modules::ResultKey& key : spec.results)
    out.append("  ").append(key.name).append("\n    ").append(key.doc).append("\n");
  add_examples(out, spec);
  return out;
}

Value module_data(const ModuleSpec& spec) {
  List results;
  for (const modules::ResultKey& key : spec.results)
    results.push_back(Value::map({{"name", key.name}, {"doc", key.doc}}));
  List examples;
  for (const modules::Example& one : spec.examples)
    examples.push_back(Value::map({{"title", one.title}, {"yaml", one.yaml}}));
  Value arguments = arguments_data(spec.args);
  if (spec.file_arguments) {
    const Value shared = arguments_data(modules::file_argument_specs());
    for (const Value& one : shared.as_list()) arguments.mutable_list().push_back(one);
  }
  Value out = Value::map({{"name", spec.name},
                          {"collection", spec.collection},
                          {"aliases", names_data(spec.aliases)},
                          {"summary", spec.summary},
                          {"place", place_word(spec.place)},
                          {"check_mode", check_word(spec.check)},
                          {"check_mode_text", check_text(spec)},
                          {"diff_mode", spec.has_diff},
                          {"any_arguments", spec.any_arguments},
                          {"arguments", std::move(arguments)},
                          {"rules", rules_data(spec.rules)},
                          {"results", Value(std::move(results))},
                          {"examples", Value(std::move(examples))}});
  if (!spec.free_form.empty()) out.set("free_form", spec.free_form);
  return out;
}

}  // namespace gpustack::cli
