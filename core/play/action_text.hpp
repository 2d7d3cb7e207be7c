#pragma once
/// @file Ansible's `key=value` texts and free-form commands, with the position of every part kept.

#include "core/base/value.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::play {

/// A part of a text: bytes from `start`.
struct Word {
  std::size_t start = 0;
  std::size_t length = 0;
  [[nodiscard]] std::string_view of(std::string_view text) const {
    return text.substr(start, length);
  }
};

/// Splits at white space; quotes and `{{ }}`, `{% %}`, `{# #}` hold together.
/// @error invalid_argument for an unbalanced quote or template bracket
Result<std::vector<Word>> split_words(std::string_view text);

/// What an argument text holds.
struct ArgumentText {
  Map values;
  std::map<std::string, SourceSpan, std::less<>> spans;
  Value rest;  ///< the words that are not `key=value`; null when there are none
};

enum class FreeForm : std::uint8_t {
  none,     ///< every `key=value` word is an argument
  command,  ///< only the options of command-like modules are (`chdir=`, `creates=`, ...); the rest
            ///< is the command
};

/// @param text  a string; its Origin gives the parts their positions
/// @source Ansible 2.14, parsing/splitter.py: which escapes are decoded, which words stay raw for
/// command-like modules
Result<ArgumentText> parse_argument_text(const Value& text, FreeForm form);

/// The first word (a module name) and what stands behind it, both with positions.
struct ActionText {
  Value name;
  Value rest;  ///< null when nothing follows
};
ActionText split_action(const Value& text);

/// A part of a string value, with its position.
Value part_of(const Value& text, std::size_t start, std::size_t length);

}  // namespace gpustack::play
