#include "core/play/keywords.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace gpustack::play {

namespace {

constexpr std::uint16_t bit(KeywordPlace place) { return static_cast<std::uint16_t>(place); }

constexpr std::uint16_t kPlay = bit(KeywordPlace::play);
constexpr std::uint16_t kRole = bit(KeywordPlace::role);
constexpr std::uint16_t kBlock = bit(KeywordPlace::block);
constexpr std::uint16_t kTask = bit(KeywordPlace::task) | bit(KeywordPlace::handler);
constexpr std::uint16_t kHandler = bit(KeywordPlace::handler);
constexpr std::uint16_t kInclude = bit(KeywordPlace::include);
constexpr std::uint16_t kImportPlaybook = bit(KeywordPlace::import_playbook);
constexpr std::uint16_t kLoopControl = bit(KeywordPlace::loop_control);
constexpr std::uint16_t kBelowPlay = kRole | kBlock | kTask;
constexpr std::uint16_t kEverywhere = kPlay | kBelowPlay;

constexpr std::string_view kNoDebugger = "gpustack has no interactive task debugger";

using enum KeywordType;

/// @source Ansible 2.14 and 2.18, "Playbook Keywords"; include restrictions as in
/// playbook/task_include.py
constexpr KeywordInfo kTable[] = {
    {"action", any, kTask | kInclude},
    {"always", tasks, kBlock},
    {"any_errors_fatal", boolean, kEverywhere, Keyword::any_errors_fatal},
    {"args", any, kTask | kInclude},
    {"async", integer, kTask},
    {"become", boolean, kEverywhere, Keyword::become},
    {"become_exe", text, kEverywhere, Keyword::become_exe},
    {"become_flags", text, kEverywhere, Keyword::become_flags},
    {"become_method", text, kEverywhere, Keyword::become_method},
    {"become_user", text, kEverywhere, Keyword::become_user},
    {"block", tasks, kBlock},
    {"break_when", conditions, kLoopControl, Keyword::count, "loops cannot be left early yet"},
    {"changed_when", conditions, kTask},
    {"check_mode", boolean, kEverywhere, Keyword::check_mode},
    {"collections", names, kEverywhere | kInclude | kImportPlaybook, Keyword::collections},
    {"connection", text, kEverywhere, Keyword::connection},
    {"debugger", text, kEverywhere | kInclude, Keyword::debugger, kNoDebugger},
    {"delay", real, kTask},
    {"delegate_facts", boolean, kBelowPlay, Keyword::delegate_facts},
    {"delegate_to", text, kBelowPlay, Keyword::delegate_to},
    {"diff", boolean, kEverywhere, Keyword::diff},
    {"environment", maps, kEverywhere, Keyword::environment},
    {"extended", boolean, kLoopControl},
    {"extended_allitems", boolean, kLoopControl},
    {"fact_path", text, kPlay},
    {"failed_when", conditions, kTask},
    {"force_handlers", boolean, kPlay},
    {"gather_facts", boolean, kPlay},
    {"gather_subset", names, kPlay},
    {"gather_timeout", integer, kPlay},
    {"handlers", tasks, kPlay},
    {"hosts", names, kPlay},
    {"ignore_errors", boolean, kEverywhere | kInclude, Keyword::ignore_errors},
    {"ignore_unreachable", boolean, kEverywhere, Keyword::ignore_unreachable},
    {"import_playbook", text, kImportPlaybook},
    {"index_var", text, kLoopControl},
    {"label", any, kLoopControl},
    {"listen", names, kHandler},
    {"local_action", any, kTask},
    {"loop", any, kTask | kInclude},
    {"loop_control", any, kTask | kInclude},
    {"loop_var", text, kLoopControl},
    {"max_fail_percentage", percentage, kPlay},
    {"module_defaults", maps, kEverywhere, Keyword::module_defaults},
    {"name", text, kEverywhere | kInclude | kImportPlaybook},
    {"no_log", boolean, kEverywhere | kInclude, Keyword::no_log},
    {"notify", names, kBlock | kTask},
    {"order", text, kPlay},
    {"pause", real, kLoopControl},
    {"poll", integer, kTask},
    {"port", integer, kEverywhere, Keyword::port},
    {"post_tasks", tasks, kPlay},
    {"pre_tasks", tasks, kPlay},
    {"register", text, kTask | kInclude},
    {"remote_user", text, kEverywhere, Keyword::remote_user},
    {"rescue", tasks, kBlock},
    {"retries", integer, kTask},
    {"role", text, kRole},
    {"roles", any, kPlay},
    {"run_once", boolean, kEverywhere | kInclude, Keyword::run_once},
    {"serial", any, kPlay},
    {"strategy", text, kPlay},
    {"tags", tags, kEverywhere | kInclude | kImportPlaybook},
    {"tasks", tasks, kPlay},
    {"throttle", integer, kEverywhere, Keyword::throttle},
    {"timeout", integer, kEverywhere | kInclude, Keyword::timeout},
    {"until", conditions, kTask},
    {"user", text, kPlay, Keyword::remote_user},
    {"vars", map, kEverywhere | kInclude | kImportPlaybook},
    {"vars_files", any, kPlay},
    {"vars_prompt", any, kPlay},
    {"when", conditions, kBelowPlay | kInclude | kImportPlaybook},
};

bool is_integer_text(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && fault == std::errc() && end == text.data() + text.size();
}

bool is_number_text(std::string_view text) {
  double number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && fault == std::errc() && end == text.data() + text.size();
}

bool is_scalar_text(const Value& value) {
  return value.is_string() || value.is_number() || value.is_bool() || value.is_object();
}

bool is_percentage(const Value& value) {
  if (value.is_number()) return true;
  if (!value.is_string()) return false;
  std::string_view number = value.as_string();
  if (number.ends_with('%')) number.remove_suffix(1);
  return is_number_text(number);
}

bool takes_items(KeywordType type) {
  return type == names || type == tags || type == conditions || type == maps;
}

bool item_fits(KeywordType type, const yaml::Node& item) {
  if (type == maps) {
    return item.is_mapping() || item.is_null() || (item.is_scalar() && is_template(item.scalar()));
  }
  if (!item.is_scalar()) return false;
  const Value& value = item.scalar();
  return type == names ? is_scalar_text(value)
                       : type == conditions || value.is_string() || value.is_integer();
}

bool fits(KeywordType type, const yaml::Node& node) {
  if (node.is_sequence() && takes_items(type)) {
    return std::all_of(node.items().begin(), node.items().end(), [&](const yaml::Node& item) {
      return item_fits(type, item);
    });
  }
  const Value& value = node.scalar();
  switch (type) {
    case text:
    case names:
      return node.is_null() || is_scalar_text(value);
    case integer:
      return value.is_integer() || (value.is_string() && is_integer_text(value.as_string()));
    case real:
      return value.is_number() || (value.is_string() && is_number_text(value.as_string()));
    case boolean:
      return node.is_null() || parse_bool(value).has_value();
    case percentage:
      return is_percentage(value);
    case tags:
      return node.is_null() || value.is_string();
    case map:
    case maps:
      return node.is_null() || node.is_mapping();
    case conditions:
      return node.is_null() || node.is_scalar();
    case tasks:
      return node.is_null() || node.is_sequence();
    case any:
      return true;
  }
  return true;
}

std::string_view wanted(KeywordType type) {
  switch (type) {
    case text:
      return "text";
    case integer:
      return "a whole number";
    case real:
      return "a number";
    case boolean:
      return "true or false";
    case percentage:
      return "a number or a percentage such as 30%";
    case names:
      return "text or a list of texts";
    case tags:
      return "a comma separated text or a list of tags";
    case map:
      return "a map";
    case maps:
      return "a map or a list of maps";
    case conditions:
      return "an expression, true or false, or a list of expressions";
    case tasks:
      return "a list of tasks";
    case any:
      return "a value";
  }
  return "a value";
}

std::string type_hint(const KeywordInfo& info, const yaml::Node& node) {
  if (info.type == conditions && node.is_mapping())
    return "a condition with ': ' or '{' in it needs quotes around it";
  if (info.type == tasks && node.is_mapping()) return "begin each task with '- '";
  if (info.type == map && node.is_sequence()) return "write 'name: value' lines without '- '";
  return {};
}

}  // namespace

std::span<const KeywordInfo> all_keywords() { return kTable; }

const KeywordInfo* find_keyword(std::string_view name) {
  const auto* found = std::lower_bound(
      std::begin(kTable),
      std::end(kTable),
      name,
      [](const KeywordInfo& row, std::string_view wanted_name) { return row.name < wanted_name; });
  return found != std::end(kTable) && found->name == name ? found : nullptr;
}

std::vector<std::string_view> keyword_names(KeywordPlace place) {
  std::vector<std::string_view> out;
  for (const KeywordInfo& row : kTable) {
    if (row.allowed_on(place)) out.push_back(row.name);
  }
  return out;
}

std::string_view keyword_name(Keyword keyword) {
  for (const KeywordInfo& row : kTable) {
    if (row.setting == keyword && row.name != "user") return row.name;
  }
  return "?";
}

std::string_view place_text(KeywordPlace place) {
  switch (place) {
    case KeywordPlace::play:
      return "a play";
    case KeywordPlace::role:
      return "a role entry";
    case KeywordPlace::block:
      return "a block";
    case KeywordPlace::task:
      return "a task";
    case KeywordPlace::handler:
      return "a handler";
    case KeywordPlace::include:
      return "a dynamic include";
    case KeywordPlace::import_playbook:
      return "import_playbook";
    case KeywordPlace::loop_control:
      return "loop_control";
  }
  return "this place";
}

bool is_template(const Value& value) {
  if (!value.is_string() || value.is_unsafe()) return false;
  const std::string& text = value.as_string();
  return text.find("{{") != std::string::npos || text.find("{%") != std::string::npos ||
         text.find("{#") != std::string::npos;
}

std::string found_text(const Value& value) {
  if (value.is_null()) return "nothing";
  if (value.is_list()) return "a list";
  if (value.is_map()) return "a map";
  if (value.is_secret() || value.is_object()) return "a secret";
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  if (value.is_number()) return fmt::format("the number {}", to_text(value));
  std::string shown = to_text(value);
  constexpr std::size_t kLongest = 40;
  if (shown.size() > kLongest) shown = shown.substr(0, kLongest) + "...";
  return fmt::format("'{}'", shown);
}

namespace {

std::string found_node(const yaml::Node& node) {
  if (node.is_mapping()) return "a map";
  return node.is_sequence() ? "a list" : found_text(node.scalar());
}

/// Is the value a template, or a list of them for tags, whose result may fit?
bool may_become_fit(KeywordType type, const yaml::Node& value) {
  if (value.is_scalar()) {
    return type != map && type != tasks &&
           (is_template(value.scalar()) || value.scalar().is_object());
  }
  return type == tags && value.is_sequence() &&
         std::all_of(value.items().begin(), value.items().end(), [](const yaml::Node& item) {
           return item.is_scalar() && is_template(item.scalar());
         });
}

/// The item of a list that is of the wrong kind; nullptr when there is none.
const yaml::Node* wrong_item(KeywordType type, const yaml::Node& list) {
  if (!takes_items(type)) return nullptr;
  const auto found =
      std::find_if(list.items().begin(), list.items().end(), [&](const yaml::Node& item) {
        return type == maps || !item.is_scalar();
      });
  return found == list.items().end() ? nullptr : &*found;
}

}  // namespace

Result<void> check_keyword_value(const KeywordInfo& info, const yaml::Node& value) {
  if (fits(info.type, value) || may_become_fit(info.type, value)) return {};
  if (const yaml::Node* item = wrong_item(info.type, value)) {
    return Error(ErrorCode::yaml_type,
                 fmt::format("each item of '{}' must be {}, found {}",
                             info.name,
                             info.type == maps ? "a map" : "text",
                             found_node(*item)))
        .at(item->span())
        .hint(type_hint(info, *item));
  }
  if (info.type == tasks) {
    return Error(ErrorCode::yaml_type,
                 fmt::format("A malformed block was encountered while loading {}: {} should be a "
                             "list or None",
                             info.name,
                             value.is_scalar() ? to_text(value.scalar()) : found_node(value)))
        .at(value.span())
        .hint(type_hint(info, value));
  }
  return Error(ErrorCode::yaml_type,
               fmt::format("keyword '{}' wants {}, found {}",
                           info.name,
                           wanted(info.type),
                           found_node(value)))
      .at(value.span())
      .hint(type_hint(info, value));
}

}  // namespace gpustack::play
