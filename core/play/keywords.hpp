#pragma once
/// @file The table of Ansible's keywords: where each may stand, what it holds, and which ones
/// gpustack refuses.

#include "core/base/result.hpp"
#include "core/play/model.hpp"
#include "core/yaml/node.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::play {

/// Places a keyword can stand in; bits of KeywordInfo::places.
enum class KeywordPlace : std::uint16_t {
  play = 1,
  role = 2,
  block = 4,
  task = 8,
  handler = 16,
  include = 32,  ///< on a dynamic include (include_tasks, include_role)
  import_playbook = 64,
  loop_control = 128,
};

enum class KeywordType : std::uint8_t {
  text,  ///< a string; numbers and booleans are taken as text
  integer,
  real,
  boolean,
  percentage,  ///< a number or `30%`
  names,       ///< a string or a list of strings
  tags,        ///< comma separated text or a list
  map,         ///< a map, without templates in its place
  maps,        ///< a map, a list of maps, or a template
  conditions,  ///< an expression, a boolean, or a list of them
  tasks,       ///< a list of tasks
  any,         ///< checked where it is read
};

struct KeywordInfo {
  std::string_view name;
  KeywordType type;
  std::uint16_t places;  ///< bits of KeywordPlace
  Keyword setting =
      Keyword::count;  ///< where it is kept in Node::settings; `count` = has a field of its own
  std::string_view refusal = {};  ///< why gpustack refuses it; empty when it is supported

  [[nodiscard]] bool allowed_on(KeywordPlace place) const {
    return (places & static_cast<std::uint16_t>(place)) != 0;
  }
};

/// Every keyword of Ansible 2.14 to 2.18, sorted by name.
std::span<const KeywordInfo> all_keywords();
const KeywordInfo* find_keyword(std::string_view name);
/// For suggestions: the keywords that may stand in `place`.
std::vector<std::string_view> keyword_names(KeywordPlace place);
/// The name of a setting, as the user writes it.
std::string_view keyword_name(Keyword keyword);
/// `a play`, `a task`, ...
std::string_view place_text(KeywordPlace place);

/// Is there something to render in this string (`{{`, `{%`, `{#`)? Unsafe strings hold no
/// templates.
bool is_template(const Value& value);
/// `a list`, `a map`, `text 'maybe'`, `the number 5`: what the user wrote, for messages.
std::string found_text(const Value& value);

/// Checks the written value against the keyword's type; templates pass where a template may stand.
/// @error yaml_type with the value's position
Result<void> check_keyword_value(const KeywordInfo& info, const yaml::Node& value);

}  // namespace gpustack::play
