#include "core/jinja/key_value.hpp"

namespace gpustack::jinja {

namespace {

std::string unquoted(const std::string& text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front()) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  for (const char c : text) {
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      if (!word.empty()) words.push_back(std::exchange(word, {}));
      continue;
    }
    if (quote != 0 ? c == quote : (c == '"' || c == '\'')) quote = quote != 0 ? '\0' : c;
    word += c;
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

}  // namespace

const std::string* KeyValues::find(std::string_view key) const {
  for (const auto& [name, value] : pairs) {
    if (name == key) return &value;
  }
  return nullptr;
}

KeyValues parse_key_values(std::string_view text) {
  KeyValues out;
  for (const std::string& word : words_of(text)) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      out.rest += (out.rest.empty() ? "" : " ") + word;
    } else {
      out.pairs.emplace_back(word.substr(0, equals), unquoted(word.substr(equals + 1)));
    }
  }
  return out;
}

}  // namespace gpustack::jinja
