#include "modules/builtin/support/command_result.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

Value lines_of(std::string_view text) {
  List lines;
  for (std::string& line : split_lines(text)) lines.push_back(Value(std::move(line)));
  return Value(std::move(lines));
}

bool has_pattern(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

// Length of the `[…]` that starts the pattern, 0 when it is not closed.
std::size_t bracket_length(std::string_view pattern) {
  std::size_t i = 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  while (i < pattern.size() && pattern[i] != ']') ++i;
  return i < pattern.size() ? i + 1 : 0;
}

bool bracket_matches(std::string_view bracket, char c) {
  std::string_view inside = bracket.substr(1, bracket.size() - 2);
  const bool negated = inside.starts_with('!');
  if (negated) inside.remove_prefix(1);
  bool found = false;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (i + 2 < inside.size() && inside[i + 1] == '-') {
      found = found || (inside[i] <= c && c <= inside[i + 2]);
      i += 2;
    } else {
      found = found || inside[i] == c;
    }
  }
  return found != negated;
}

void expand(const SystemView& view,
            const std::string& base,
            std::string_view rest,
            std::vector<std::string>& out) {
  while (rest.starts_with('/')) rest.remove_prefix(1);
  if (rest.empty()) {
    out.push_back(base);
    return;
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view part = rest.substr(0, slash);
  const std::string_view after = rest.substr(slash);
  const auto descend = [&](const std::string& name) {
    const std::string path = base.empty() ? name : join_path(base, name);
    const auto info = view.lstat(path);
    if (info && *info) expand(view, path, after, out);
  };
  if (!has_pattern(part)) {
    descend(std::string(part));
    return;
  }
  const auto names = view.list(base.empty() ? "." : base);
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.starts_with('.') && !part.starts_with('.')) continue;
    if (name_matches(part, name)) descend(name);
  }
}

}  // namespace

std::int64_t return_code(const CommandResult& result) {
  return result.signal != 0 ? -static_cast<std::int64_t>(result.signal) : result.status;
}

void set_output(Value& result, std::string_view output, std::string_view errors) {
  result.set("stdout", output);
  result.set("stderr", errors);
  result.set("stdout_lines", lines_of(output));
  result.set("stderr_lines", lines_of(errors));
}

void drop_keys(Value& result, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) result.mutable_map().erase(key);
}

void set_command_result(Value& result, const CommandResult& command) {
  result.set("rc", return_code(command));
  set_output(result, command.output, command.errors);
}

Outcome failed_outcome(std::string message, const CommandResult& command, Value result) {
  set_command_result(result, command);
  return failed_outcome(std::move(message), std::move(result));
}

Outcome failed_outcome(std::string message, Value result) {
  result.set("msg", std::move(message));
  return Outcome{.changed = false, .failed = true, .result = std::move(result)};
}

Command parsable_command(std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  command.environment = {{"LC_ALL", "C"}, {"LANG", "C"}};
  return command;
}

void append_to(Value& result, std::string_view key, Value item) {
  Value list = result.get(key);
  if (!list.is_list()) list = Value(List());
  list.push_back(std::move(item));
  result.set(key, std::move(list));
}

void add_warning(Value& result, std::string text) {
  append_to(result, "warnings", Value(std::move(text)));
}

bool name_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
      continue;
    }
    std::size_t step = 0;
    if (p < pattern.size()) {
      const std::size_t bracket = pattern[p] == '[' ? bracket_length(pattern.substr(p)) : 0;
      if (bracket > 0) {
        step = bracket_matches(pattern.substr(p, bracket), name[n]) ? bracket : 0;
      } else if (pattern[p] == '?' || pattern[p] == name[n]) {
        step = 1;
      }
    }
    if (step > 0) {
      p += step;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string> matching_paths(const SystemView& view, const std::string& pattern) {
  std::vector<std::string> out;
  expand(view, pattern.starts_with('/') ? "/" : "", pattern, out);
  std::ranges::sort(out);
  return out;
}

bool any_path_matches(const SystemView& view,
                      const std::string& pattern,
                      const std::string& directory) {
  const bool is_relative = !pattern.starts_with('/') && !directory.empty();
  return !matching_paths(view, is_relative ? join_path(directory, pattern) : pattern).empty();
}

}  // namespace gpustack::modules
