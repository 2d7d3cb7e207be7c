// regex_replace, regex_search, regex_findall, regex_escape
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/render.hpp"

#include <charconv>

namespace gpustack::jinja {

namespace {

Result<Value> regex_replace(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string pattern, call.text(0));
  GS_TRY(const std::string replacement, call.text(1));
  GS_TRY(const regex::Pattern regex, cached_pattern(pattern, call.flag(2), call.flag(3)));
  GS_TRY(regex::Substitution done, regex.substitute(text, replacement));
  return Value(std::move(done.text));
}

Result<Value> regex_findall(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string pattern, call.text(0));
  GS_TRY(const regex::Pattern regex, cached_pattern(pattern, call.flag(2), call.flag(1)));
  GS_TRY(const std::vector<regex::Match> matches, regex.find_all(text));
  List out;
  for (const regex::Match& match : matches) {
    if (regex.groups() < 2) {
      out.emplace_back(match.text(regex.groups()));
      continue;
    }
    List row;
    for (std::size_t i = 1; i <= regex.groups(); ++i) row.emplace_back(match.text(i));
    out.push_back(Value(std::move(row)).as_tuple());
  }
  return Value(std::move(out));
}

/// The group that `\1` or `\g<name>` stands for.
Result<std::size_t> wanted_group(Invocation& call,
                                 const regex::Pattern& regex,
                                 const std::string& name) {
  std::string inner;
  if (name.starts_with("\\g<") && name.ends_with(">")) {
    inner = name.substr(3, name.size() - 4);
    if (const auto number = regex.group(inner)) return *number;
  } else if (name.size() > 1 && name[0] == '\\') {
    inner = name.substr(1);
  } else {
    return call.fail("expected groups such as '\\\\1' or '\\\\g<name>', found '" + name + "'");
  }
  std::size_t number = 0;
  const auto done = std::from_chars(inner.data(), inner.data() + inner.size(), number);
  if (inner.empty() || done.ec != std::errc() || number > regex.groups()) {
    return call.fail("found no group '" + name + "' in the pattern '" + regex.source() + "'");
  }
  return number;
}

Result<Value> regex_search(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string pattern, call.text(0));
  bool ignore_case = false;
  bool multiline = false;
  for (const auto& [key, value] : call.named) {
    if (key.as_string() == "ignorecase") {
      ignore_case = value.truthy();
    } else if (key.as_string() == "multiline") {
      multiline = value.truthy();
    }
  }
  GS_TRY(const regex::Pattern regex, cached_pattern(pattern, ignore_case, multiline));
  std::vector<std::size_t> groups;
  for (const Value& wanted : call.rest) {
    GS_TRY(const std::size_t group, wanted_group(call, regex, to_text(wanted)));
    groups.push_back(group);
  }
  GS_TRY(const auto match, regex.search(text));
  if (!match) return Value();
  if (groups.empty()) return Value(match->text());
  List out;
  for (const std::size_t group : groups)
    out.push_back(match->has(group) ? Value(match->text(group)) : Value());
  return Value(std::move(out));
}

Result<Value> escape(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string type, call.text(0, "python"));
  if (type == "python") return Value(regex::escape(text));
  if (type != "posix_basic")
    return call.fail("expected the type python or posix_basic, found '" + type + "'");
  std::string out;
  for (const char c : text) {
    if (std::string_view("].[^$*\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return Value(std::move(out));
}

constexpr FilterRow kRows[] = {
    {"regex_replace", regex_replace, "pattern replacement ignorecase multiline"},
    {"regex_findall", regex_findall, "regex! multiline ignorecase"},
    {"regex_search", regex_search, "regex! * **"},
    {"regex_escape", escape, "re_type"},
};

}  // namespace

FilterTable regex_filters() { return kRows; }

}  // namespace gpustack::jinja
