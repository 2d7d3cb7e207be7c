#include "core/base/suggest.hpp"
#include "core/play/reader.hpp"
#include "core/play/static_render.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

namespace gpustack::play {

namespace fs = std::filesystem;

bool is_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string absolute_path(const std::string& path, const std::string& folder) {
  fs::path whole = path.starts_with('/') ? fs::path(path) : fs::path(folder) / path;
  std::string text = whole.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

std::string folder_of(const std::string& path) { return fs::path(path).parent_path().string(); }

std::string joined(const std::string& folder, const std::string& name) {
  return absolute_path(name, folder);
}

std::string_view short_name(std::string_view name) {
  for (const std::string_view prefix : {"ansible.builtin.", "ansible.legacy."}) {
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  }
  return name;
}

bool is_identifier(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::optional<std::string_view> key_text(const yaml::Node::Member& member) {
  if (!member.key.is_string()) return std::nullopt;
  return std::string_view(member.key.as_string());
}

std::vector<Value> listed(const yaml::Node& node) {
  std::vector<Value> out;
  if (node.is_sequence()) {
    for (const yaml::Node& item : node.items()) out.push_back(item.to_value());
  } else if (!node.is_null()) {
    out.push_back(node.to_value());
  }
  return out;
}

std::vector<Condition> read_conditions(const yaml::Node& node) {
  std::vector<Condition> out;
  if (node.is_sequence()) {
    for (const yaml::Node& item : node.items()) {
      if (!item.is_null()) out.push_back(Condition{item.to_value(), item.span()});
    }
  } else if (!node.is_null()) {
    out.push_back(Condition{node.to_value(), node.span()});
  }
  return out;
}

std::vector<Value> split_tags(const Value& text) {
  std::vector<Value> out;
  const std::string& whole = text.as_string();
  std::size_t start = 0;
  std::size_t depth = 0;
  const auto take = [&](std::size_t end) {
    std::size_t from = start;
    while (from < end && whole[from] == ' ') ++from;
    while (end > from && whole[end - 1] == ' ') --end;
    if (end == from) return;
    const Origin* origin = text.origin();
    std::string part = whole.substr(from, end - from);
    if (origin == nullptr) {
      out.emplace_back(std::move(part));
    } else {
      Origin moved;
      moved.span = origin->at(whole, from, end - from);
      out.push_back(Value::string_at(std::move(part), moved));
    }
  };
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == '{') ++depth;
    if (whole[i] == '}' && depth > 0) --depth;
    if (whole[i] != ',' || depth > 0) continue;
    take(i);
    start = i + 1;
  }
  take(whole.size());
  return out;
}

std::vector<Value> read_tags(const yaml::Node& node) {
  if (node.is_scalar() && node.scalar().is_string()) return split_tags(node.scalar());
  return listed(node);
}

std::vector<std::string> file_chain(const Node* parent, const std::string& folder) {
  std::vector<std::string> out{folder};
  const auto add = [&](const std::string& one) {
    if (!one.empty() && std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
  };
  for (const Node* node = parent; node != nullptr && node->type != NodeType::role;
       node = node->parent) {
    if (node->type == NodeType::block) {
      const std::string& file = static_cast<const Block*>(node)->imported_from;
      if (!file.empty()) add(folder_of(file));
    } else if (node->type == NodeType::task) {
      add(static_cast<const Task*>(node)->base_folder);
    }
  }
  return out;
}

bool is_below_include(const Node& node) {
  for (const Node* above = node.parent; above != nullptr; above = above->parent) {
    if (above->type == NodeType::task) return true;
  }
  return false;
}

Reader::Reader(LoadOptions options) : options_(std::move(options)) {
  std::error_code fault;
  start_folder_ = fs::current_path(fault).string();
}

void Reader::begin_include() {
  findings_.errors.clear();
  reported_.clear();
  // A file that could not be read may be there now.
  for (auto each = documents_.begin(); each != documents_.end();)
    each = each->second == nullptr ? documents_.erase(each) : std::next(each);
}

void Reader::report(Error error) {
  // A role used twice is read twice; its faults are told once.
  if (reported_.insert(error.render()).second) findings_.errors.push_back(std::move(error));
}

void Reader::warn(std::string message, SourceSpan span) {
  if (reported_.insert("warning " + message + " " + span.text()).second) {
    findings_.warnings.push_back(yaml::Warning{std::move(message), span});
  }
}

std::string Reader::shown_path(const std::string& path) const {
  return path.starts_with(start_folder_ + "/") ? path.substr(start_folder_.size() + 1) : path;
}

std::shared_ptr<const yaml::Document> Reader::document(const std::string& path,
                                                       const SourceSpan& asked_at) {
  if (const auto known = documents_.find(path); known != documents_.end()) return known->second;
  auto loaded = yaml::load_file(shown_path(path), options_.vault);
  if (!loaded) {
    Error error = std::move(loaded).error();
    const bool missing =
        error.code() == ErrorCode::file_not_found || error.code() == ErrorCode::file_unreadable;
    if (missing && asked_at.known()) {
      report(std::move(error).at_if_unknown(asked_at));
    } else if (asked_at.known()) {
      report(std::move(error).related(asked_at, "loaded from here"));
    } else {
      report(std::move(error));
    }
    documents_[path] = nullptr;
    return nullptr;
  }
  for (const yaml::Warning& warning : loaded->warnings) warn(warning.message, warning.span);
  auto kept = std::make_shared<const yaml::Document>(std::move(*loaded));
  documents_[path] = kept;
  return kept;
}

std::optional<std::string> Reader::render_static(const Value& text,
                                                 const Node* where,
                                                 const SourceSpan& span,
                                                 std::string_view what) {
  if (!is_template(text)) return to_text(text);
  auto rendered = options_.render_static ? options_.render_static(text)
                                         : render_at_load(text, where, options_.extra_vars);
  if (!rendered) {
    report(
        Error(std::move(rendered).error())
            .at_if_unknown(span)
            .while_doing(fmt::format("reading {}, which must be known when the site loads", what)));
    return std::nullopt;
  }
  return to_text(*rendered);
}

bool Reader::literal_bool(const yaml::Node& value, std::string_view what, bool otherwise) {
  if (value.is_null()) return otherwise;
  if (value.is_scalar()) {
    if (const auto read = parse_bool(value.scalar())) return *read;
  }
  report(Error(ErrorCode::yaml_type,
               fmt::format("'{}' wants true or false written out, found {}",
                           what,
                           found_text(value.to_value())))
             .at(value.span()));
  return otherwise;
}

Value Reader::read_vars(const yaml::Node& node) {
  Map out;
  const auto add = [&](const yaml::Node& map) {
    for (const yaml::Node::Member& member : map.members()) {
      const auto key = key_text(member);
      if (!key || !is_identifier(*key)) {
        report(Error(ErrorCode::yaml_type,
                     fmt::format("{} is not a variable name", found_text(member.key)))
                   .at(member.key_span)
                   .hint("names are letters, digits and '_', and do not begin with a digit"));
        continue;
      }
      out.set(member.key, member.value.to_value());
    }
  };
  if (node.is_mapping()) {
    add(node);
  } else if (node.is_sequence()) {
    for (const yaml::Node& item : node.items()) add(item);
  }
  return Value(std::move(out));
}

bool Reader::read_keyword(const yaml::Node::Member& member, const KeywordInfo& info, Node& node) {
  const yaml::Node& value = member.value;
  if (info.setting != Keyword::count) {
    if (!value.is_null()) node.settings.set(info.setting, Setting{value.to_value(), value.span()});
    return true;
  }
  if (info.name == "name") {
    node.name = value.is_null() ? std::string() : to_text(value.to_value());
  } else if (info.name == "vars") {
    node.vars = read_vars(value);
  } else if (info.name == "when") {
    node.when = read_conditions(value);
  } else if (info.name == "tags") {
    node.tags = read_tags(value);
  } else {
    return false;
  }
  return true;
}

Members Reader::read_keywords(const yaml::Node& map, Node& node, KeywordPlace place) {
  Members left;
  if (const yaml::Node::Member* name = map.member("name");
      name != nullptr && name->value.is_scalar()) {
    node.name = to_text(name->value.scalar());  // known early, so that messages can tell
  }
  for (const yaml::Node::Member& member : map.members()) {
    const auto key = key_text(member);
    if (!key) {
      report(Error(ErrorCode::unknown_keyword,
                   fmt::format("{} has the key {}, which is not a keyword",
                               place_text(place),
                               found_text(member.key)))
                 .at(member.key_span)
                 .hint("yes, no, on, off and numbers need quotes to be text"));
      continue;
    }
    const KeywordInfo* info = find_keyword(*key);
    if (info == nullptr || !info->allowed_on(place)) {
      left.push_back(&member);
      continue;
    }
    if (!info->refusal.empty()) {
      report(Error(ErrorCode::unsupported_keyword,
                   fmt::format("keyword '{}' is not supported: {}", *key, info->refusal))
                 .at(member.key_span)
                 .hint("remove it"));
      continue;
    }
    const bool old_vars_list =
        info->name == "vars" && member.value.is_sequence() &&
        std::all_of(member.value.items().begin(),
                    member.value.items().end(),
                    [](const yaml::Node& item) { return item.is_mapping(); });
    if (!old_vars_list) {
      auto checked = check_keyword_value(*info, member.value);
      if (!checked && !is_deferred(*info, place, member.value)) {
        report(std::move(checked).error());
        continue;
      }
      if (!checked) warn_of_failure(checked.error());
    }
    if (!read_keyword(member, *info, node)) left.push_back(&member);
  }
  return left;
}

bool Reader::is_deferred(const KeywordInfo& info,
                         KeywordPlace place,
                         const yaml::Node& value) const {
  const bool of_task = place == KeywordPlace::task || place == KeywordPlace::handler;
  return options_.task_faults == TaskFaults::defer && of_task && value.is_scalar() &&
         info.type == KeywordType::boolean && info.setting != Keyword::count;
}

void Reader::warn_of_failure(const Error& fault) {
  warn(fault.message() + ": the task fails when it is reached", fault.span());
}

void Reader::report_leftover(const yaml::Node::Member& member,
                             KeywordPlace place,
                             const std::vector<std::string_view>& known) {
  const std::string_view key = key_text(member).value_or("");
  const KeywordInfo* elsewhere = find_keyword(key);
  if (elsewhere == nullptr) {
    std::string hint = suggest(key, known);
    if (hint.empty()) hint = suggest(key, keyword_names(KeywordPlace::task));
    report(Error(ErrorCode::unknown_keyword,
                 fmt::format("unknown keyword '{}' on {}", key, place_text(place)))
               .at(member.key_span)
               .hint(hint));
    return;
  }
  std::string places;
  for (const KeywordPlace each : {KeywordPlace::play,
                                  KeywordPlace::role,
                                  KeywordPlace::block,
                                  KeywordPlace::task,
                                  KeywordPlace::handler,
                                  KeywordPlace::loop_control,
                                  KeywordPlace::import_playbook}) {
    if (!elsewhere->allowed_on(each)) continue;
    if (each == KeywordPlace::handler && elsewhere->allowed_on(KeywordPlace::task)) continue;
    if (!places.empty()) places += ", ";
    places += place_text(each);
  }
  report(Error(ErrorCode::unknown_keyword,
               fmt::format("keyword '{}' does not belong on {}", key, place_text(place)))
             .at(member.key_span)
             .hint(fmt::format("it stands on: {}", places)));
}

std::optional<std::string> Reader::find_task_file(const std::string& target,
                                                  const Surroundings& where,
                                                  std::vector<std::string>& tried) {
  std::vector<std::string> folders = file_chain(where.parent, where.folder);
  if (const Role* role = where.parent == nullptr ? nullptr : where.parent->role()) {
    folders.push_back(joined(role->path, where.handlers ? "handlers" : "tasks"));
    if (where.handlers) folders.push_back(joined(role->path, "tasks"));
    folders.push_back(role->path);
  }
  if (const Play* play = where.parent == nullptr ? nullptr : where.parent->play()) {
    folders.push_back(joined(play->folder, where.handlers ? "handlers" : "tasks"));
    folders.push_back(play->folder);
  }
  for (const std::string& folder : folders) {
    const std::string path = absolute_path(target, folder);
    if (std::find(tried.begin(), tried.end(), path) != tried.end()) continue;
    if (is_file(path)) return path;
    tried.push_back(path);
  }
  return std::nullopt;
}

}  // namespace gpustack::play
