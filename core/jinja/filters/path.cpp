// basename, dirname, splitext, path_join, realpath, relpath, expanduser, win_*, fileglob
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/glob.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <filesystem>

namespace gpustack::jinja {

std::string base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::string dir_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  std::string_view head = path.substr(0, slash + 1);
  const std::size_t last = head.find_last_not_of('/');
  return std::string(last == std::string_view::npos ? head : head.substr(0, last + 1));
}

std::string join_path(std::string_view base, std::string_view more) {
  if (more.starts_with('/') || base.empty()) return std::string(more);
  std::string out(base);
  if (!base.ends_with('/')) out += '/';
  return out.append(more);
}

namespace {

template <std::string (*Change)(std::string_view)>
Result<Value> change(Invocation& call) {
  if (!call.input.is_string()) return call.wrong_type("a path", call.input);
  GS_TRY(const std::string text, call.input_text());
  return Value(Change(text));
}

// The extension begins at the last dot that has something before it.
Result<Value> splitext(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  const std::size_t slash = text.rfind('/');
  const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
  const std::size_t dot = text.rfind('.');
  const bool leading =
      dot == std::string::npos || dot < begin || text.find_first_not_of('.', begin) > dot;
  const std::size_t cut = leading ? text.size() : dot;
  return Value::list({text.substr(0, cut), text.substr(cut)}).as_tuple();
}

Result<Value> path_join(Invocation& call) {
  if (call.input.is_string()) return call.input;
  if (!call.input.is_list()) return call.wrong_type("a string or list", call.input);
  std::string out;
  bool first = true;
  for (const Value& part : call.input.as_list()) {
    GS_TRY(const std::string text, text_of(part));
    out = std::exchange(first, false) ? text : join_path(out, text);
  }
  return Value(std::move(out));
}

std::string real_path(std::string_view path) {
  std::error_code error;
  const auto full =
      std::filesystem::weakly_canonical(std::filesystem::absolute(std::string(path), error), error);
  if (error) return std::string(path);
  std::string out = full.string();
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

Result<Value> rel_path(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string start, call.text(0, "."));
  std::error_code error;
  const auto from = std::filesystem::absolute(start, error).lexically_normal();
  const auto to = std::filesystem::absolute(text, error).lexically_normal();
  std::string out =
      to.lexically_relative(from.filename().empty() ? from.parent_path() : from).string();
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return Value(out.empty() ? "." : out);
}

Result<Value> expand_user(Invocation& call) {
  GS_TRY(std::string text, call.input_text());
  if (text.empty() || text[0] != '~' || (text.size() > 1 && text[1] != '/') ||
      call.render.services() == nullptr)
    return Value(text);
  const auto home = call.render.services()->environment("HOME");
  return Value(home ? *home + text.substr(1) : text);
}

Result<Value> expand_vars(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '$') {
      out += text[at++];
      continue;
    }
    const bool braces = at + 1 < text.size() && text[at + 1] == '{';
    const std::size_t begin = at + (braces ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() &&
           (braces
                ? text[end] != '}'
                : (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')))
      ++end;
    const std::string name = text.substr(begin, end - begin);
    const std::size_t after = std::min(end + (braces ? 1 : 0), text.size());
    const auto value = name.empty() || call.render.services() == nullptr
                           ? std::nullopt
                           : call.render.services()->environment(name);
    out += value ? *value : text.substr(at, std::max(after, at + 1) - at);
    at = std::max(after, at + 1);
  }
  return Value(std::move(out));
}

std::size_t windows_drive(std::string_view path) {
  return path.size() > 1 && path[1] == ':' ? 2 : 0;
}

Result<Value> win_basename(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  const std::string_view rest = std::string_view(text).substr(windows_drive(text));
  const std::size_t slash = rest.find_last_of("/\\");
  return Value(slash == std::string_view::npos ? rest : rest.substr(slash + 1));
}

Result<Value> win_dirname(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  const std::size_t drive = windows_drive(text);
  std::string_view rest = std::string_view(text).substr(drive);
  const std::size_t slash = rest.find_last_of("/\\");
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(0, slash + 1);
  const std::size_t last = rest.find_last_not_of("/\\");
  if (last != std::string_view::npos) rest = rest.substr(0, last + 1);
  return Value(text.substr(0, drive).append(rest));
}

Result<Value> win_splitdrive(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  const std::size_t drive = windows_drive(text);
  return Value::list({text.substr(0, drive), text.substr(drive)}).as_tuple();
}

Result<Value> file_glob(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  List out;
  for (std::string& path : glob_files(text)) out.emplace_back(std::move(path));
  return Value(std::move(out));
}

constexpr FilterRow kRows[] = {
    {"basename", change<base_name>},
    {"dirname", change<dir_name>},
    {"splitext", splitext},
    {"path_join", path_join},
    {"realpath", change<real_path>},
    {"relpath", rel_path, "start"},
    {"expanduser", expand_user},
    {"expandvars", expand_vars},
    {"win_basename", win_basename},
    {"win_dirname", win_dirname},
    {"win_splitdrive", win_splitdrive},
    {"fileglob", file_glob},
};

}  // namespace

FilterTable path_filters() { return kRows; }

}  // namespace gpustack::jinja
