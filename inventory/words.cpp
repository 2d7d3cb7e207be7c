#include "inventory/words.hpp"

namespace gpustack::inventory {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Appends what stands in quotes; `at` is the place behind the opening one.
/// @return the place of the closing one, or the line's end
std::size_t read_quoted(std::string_view line, std::size_t at, char quote, std::string& text) {
  for (; at < line.size() && line[at] != quote; ++at) {
    const bool is_escape = quote == '"' && line[at] == '\\' && at + 1 < line.size();
    if (is_escape && (line[at + 1] == '"' || line[at + 1] == '\\')) ++at;
    text += line[at];
  }
  return at;
}

}  // namespace

Words split_words(std::string_view line) {
  Words out;
  Word word;
  bool is_open = false;
  const auto begin = [&](std::size_t at) {
    if (!is_open) word = Word{{}, at, 0};
    is_open = true;
  };
  const auto finish = [&](std::size_t at) {
    if (!is_open) return;
    word.length = at - word.offset;
    out.words.push_back(std::move(word));
    is_open = false;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (is_blank(c)) {
      finish(i);
    } else if (c == '#') {
      finish(i);
      return out;
    } else if (c == '\\') {
      begin(i);
      if (i + 1 >= line.size()) {
        out.problem = "nothing follows the last '\\'";
        out.problem_at = i;
        return out;
      }
      word.text += line[++i];
    } else if (c == '\'' || c == '"') {
      begin(i);
      const std::size_t opened = i;
      i = read_quoted(line, i + 1, c, word.text);
      if (i >= line.size()) {
        out.problem = std::string("the quote ") + c + " is not closed";
        out.problem_at = opened;
        return out;
      }
    } else {
      begin(i);
      word.text += c;
    }
  }
  finish(line.size());
  return out;
}

}  // namespace gpustack::inventory
