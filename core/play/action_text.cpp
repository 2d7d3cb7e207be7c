#include "core/play/action_text.hpp"

#include "core/base/escapes.hpp"

#include <algorithm>
#include <array>

namespace gpustack::play {

namespace {

constexpr std::array<std::string_view, 8> kCommandOptions = {"chdir",
                                                             "creates",
                                                             "executable",
                                                             "removes",
                                                             "stdin",
                                                             "stdin_add_newline",
                                                             "strip_empty_ends",
                                                             "warn"};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Steps over a template bracket that opens at `at`; npos when it never closes.
std::size_t skip_template(std::string_view text, std::size_t at) {
  const std::string_view close = text[at + 1] == '{' ? "}}" : text[at + 1] == '%' ? "%}" : "#}";
  const std::size_t end = text.find(close, at + 2);
  return end == std::string_view::npos ? end : end + 2;
}

bool opens_template(std::string_view text, std::size_t at) {
  return text[at] == '{' && at + 1 < text.size() &&
         (text[at + 1] == '{' || text[at + 1] == '%' || text[at + 1] == '#');
}

/// Steps over a quoted run that opens at `at`; npos when it never closes.
std::size_t skip_quotes(std::string_view text, std::size_t at) {
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

bool is_key(std::string_view text) {
  if (text.empty()) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

/// Where the `=` behind a key is: the first one outside of template brackets; npos when what is
/// before it is no key. @param templates  whether a key may hold templates
std::size_t key_end(std::string_view word, bool templates) {
  std::size_t at = 0;
  while (at < word.size() && word[at] != '=') {
    if (templates && opens_template(word, at)) {
      at = skip_template(word, at);
    } else if (is_key(word.substr(at, 1))) {
      ++at;
    } else {
      return std::string_view::npos;
    }
  }
  return at == 0 || at >= word.size() ? std::string_view::npos : at;
}

/// The value of a `key=value` word: outer quotes removed, escapes decoded, position kept.
Value word_value(const Value& text, std::size_t start, std::size_t length) {
  std::string_view raw = std::string_view(text.as_string()).substr(start, length);
  if (raw.size() >= 2 && (raw.front() == '"' || raw.front() == '\'') && raw.back() == raw.front()) {
    ++start;
    raw = raw.substr(1, raw.size() - 2);
  }
  Value plain = part_of(text, start, raw.size());
  std::string decoded = decode_escapes(raw);
  if (decoded == raw) return plain;
  Value value = plain.origin() == nullptr ? Value(std::move(decoded))
                                          : Value::string_at(std::move(decoded), *plain.origin());
  return value.mark(text.marks());
}

Value without_words(const Value& text, const std::vector<Word>& taken) {
  const std::string& whole = text.as_string();
  if (taken.empty()) {
    std::size_t begin = 0;
    std::size_t end = whole.size();
    while (begin < end && is_space(whole[begin])) ++begin;
    while (end > begin && is_space(whole[end - 1])) --end;
    return end - begin == whole.size() ? text : part_of(text, begin, end - begin);
  }
  std::string rest;
  std::size_t from = 0;
  for (const Word& word : taken) {
    rest.append(whole, from, word.start - from);
    from = word.start + word.length;
    while (from < whole.size() && is_space(whole[from])) ++from;
  }
  rest.append(whole, from);
  while (!rest.empty() && is_space(rest.back())) rest.pop_back();
  if (rest.empty()) return {};
  Value value = text.origin() == nullptr ? Value(std::move(rest))
                                         : Value::string_at(std::move(rest), *text.origin());
  return value.mark(text.marks());
}

}  // namespace

Result<std::vector<Word>> split_words(std::string_view text) {
  std::vector<Word> words;
  std::size_t i = 0;
  while (i < text.size()) {
    if (is_space(text[i])) {
      ++i;
      continue;
    }
    const std::size_t start = i;
    while (i < text.size() && !is_space(text[i])) {
      std::size_t next = i + 1;
      if (text[i] == '\\') {
        next = i + 2;
      } else if (opens_template(text, i)) {
        next = skip_template(text, i);
        if (next == std::string_view::npos) {
          return Error(ErrorCode::invalid_argument,
                       "this text opens a template bracket and does not close it");
        }
      } else if (text[i] == '"' || text[i] == '\'') {
        next = skip_quotes(text, i);
        if (next == std::string_view::npos) {
          return Error(ErrorCode::invalid_argument,
                       "this text opens a quote and does not close it");
        }
      }
      i = std::min(next, text.size());
    }
    words.push_back(Word{start, i - start});
  }
  return words;
}

Value part_of(const Value& text, std::size_t start, std::size_t length) {
  const std::string& whole = text.as_string();
  std::string part = whole.substr(start, length);
  const Origin* origin = text.origin();
  if (origin == nullptr) return Value(std::move(part)).mark(text.marks());
  // From here on it reads like a plain scalar that begins at this place.
  Origin moved;
  moved.span = origin->at(whole, start, code_points(part));
  moved.style = ScalarStyle::plain;
  return Value::string_at(std::move(part), moved).mark(text.marks());
}

Result<ArgumentText> parse_argument_text(const Value& text, FreeForm form) {
  ArgumentText out;
  const std::string& whole = text.as_string();
  auto words = split_words(whole);
  if (!words) {
    if (form == FreeForm::command) {  // the shell on the target has the last word on its quoting
      out.rest = text;
      return out;
    }
    const Origin* origin = text.origin();
    return Error(std::move(words).error())
        .at_if_unknown(origin == nullptr ? SourceSpan{} : origin->span);
  }
  std::vector<Word> taken;
  for (const Word& word : *words) {
    const std::string_view shown = word.of(whole);
    const std::size_t equals = key_end(shown, form == FreeForm::none);
    if (equals == std::string_view::npos) continue;
    std::string key(shown.substr(0, equals));
    const bool is_option =
        std::find(kCommandOptions.begin(), kCommandOptions.end(), key) != kCommandOptions.end();
    if (form == FreeForm::command && !is_option) continue;
    const Value name = part_of(text, word.start, equals);
    out.spans[key] = name.origin() == nullptr ? SourceSpan{} : name.origin()->span;
    out.values.set(name, word_value(text, word.start + equals + 1, word.length - equals - 1));
    taken.push_back(word);
  }
  if (!taken.empty() || !words->empty()) out.rest = without_words(text, taken);
  return out;
}

ActionText split_action(const Value& text) {
  const std::string& whole = text.as_string();
  std::size_t start = 0;
  while (start < whole.size() && is_space(whole[start])) ++start;
  std::size_t end = start;
  while (end < whole.size() && !is_space(whole[end]))
    end = opens_template(whole, end) ? std::min(skip_template(whole, end), whole.size()) : end + 1;
  ActionText out;
  out.name = part_of(text, start, end - start);
  while (end < whole.size() && is_space(whole[end])) ++end;
  if (end < whole.size()) out.rest = part_of(text, end, whole.size() - end);
  return out;
}

}  // namespace gpustack::play
