#include "core/base/escapes.hpp"
#include "modules/sdk/arguments.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

// With free-form text only these count as options; everything else belongs to the command.
// @source parsing/splitter.py of ansible-core 2.14
constexpr std::array<std::string_view, 8> kCommandOptions = {"creates",
                                                             "removes",
                                                             "chdir",
                                                             "executable",
                                                             "warn",
                                                             "stdin",
                                                             "stdin_add_newline",
                                                             "strip_empty_ends"};

constexpr std::array<std::string_view, 3> kOpening = {"{{", "{%", "{#"};
constexpr std::array<std::string_view, 3> kClosing = {"}}", "%}", "#}"};

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

/// Cuts at spaces and line ends outside of quotes and of template blocks. White space beyond the
/// single space between two words stays at the end of the first one, so that joining the words
/// gives back the text. A line's lone backslash joins it with the next.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> run() {
    std::size_t at = 0;
    for (bool is_last = false; !is_last;) {
      const std::size_t end = text_.find('\n', at);
      is_last = end == std::string_view::npos;
      take_line(text_.substr(at, is_last ? end : end - at));
      if (!is_last && !continues_ && !words_.empty()) words_.back() += '\n';
      at = end + 1;
    }
    if (quote_ != 0) {
      return Error(ErrorCode::invalid_argument,
                   "a quote is not closed in '" + std::string(text_) + "'")
          .hint("quote the whole line, or write the arguments as a map");
    }
    if (in_block()) {
      return Error(ErrorCode::invalid_argument,
                   "a template block is not closed in '" + std::string(text_) + "'");
    }
    return std::move(words_);
  }

 private:
  [[nodiscard]] bool in_block() const { return depth_[0] > 0 || depth_[1] > 0 || depth_[2] > 0; }

  void take_line(std::string_view line) {
    continues_ = false;
    const bool is_one_word = line.find(' ') == std::string_view::npos;
    std::size_t at = 0;
    for (bool is_last = false; !is_last;) {
      const std::size_t end = line.find(' ', at);
      is_last = end == std::string_view::npos;
      const std::string_view word = line.substr(at, is_last ? end : end - at);
      if (word.empty() && at != 0) {
        if (!words_.empty()) words_.back() += ' ';
      } else if (word == "\\" && quote_ == 0) {
        continues_ = true;
      } else {
        take_word(word,
                  at == 0 ? is_one_word ? Place::whole_line : Place::line_start : Place::inside);
      }
      at = end + 1;
    }
  }

  enum class Place { whole_line, line_start, inside };

  void take_word(std::string_view word, Place place) {
    const bool was_quoted = quote_ != 0;
    const bool was_in_block = in_block();
    follow_quotes(word);
    const bool goes_on = !words_.empty() && (was_in_block || was_quoted);
    if (goes_on) {
      // What was cut within quotes or a block is put back together.
      if (place == Place::inside) words_.back() += ' ';
      if (place == Place::whole_line && !was_quoted) words_.back() += '\n';
      words_.back() += word;
    } else if (!word.empty()) {
      words_.emplace_back(word);
    }
    for (std::size_t kind = 0; kind < kOpening.size(); ++kind) {
      const std::size_t opened = count(word, kOpening[kind]);
      const std::size_t closed = count(word, kClosing[kind]);
      depth_[kind] += opened;
      depth_[kind] -= std::min(depth_[kind], closed);
    }
  }

  void follow_quotes(std::string_view word) {
    for (std::size_t i = 0; i < word.size(); ++i) {
      const char c = word[i];
      if ((c != '"' && c != '\'') || (i > 0 && word[i - 1] == '\\')) continue;
      if (quote_ == 0) {
        quote_ = c;
      } else if (quote_ == c) {
        quote_ = 0;
      }
    }
  }

  std::string_view text_;
  std::vector<std::string> words_;
  bool continues_ = false;
  char quote_ = 0;
  std::array<std::size_t, 3> depth_{};
};

std::string unquote(std::string_view text) {
  if (text.size() > 1 && text.front() == text.back() && (text[0] == '"' || text[0] == '\'') &&
      text[text.size() - 2] != '\\') {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

// The first `=` that is neither the first character nor escaped.
std::size_t find_equals(std::string_view word) {
  for (std::size_t at = word.find('=', 1); at != std::string_view::npos;
       at = word.find('=', at + 1)) {
    if (word[at - 1] != '\\') return at;
  }
  return std::string_view::npos;
}

}  // namespace

Result<Value> parse_key_value(std::string_view text, bool free_form_allowed) {
  GS_TRY(const std::vector<std::string> words, Splitter(text).run());
  Map options;
  std::vector<std::string> free_words;
  for (const std::string& original : words) {
    const std::string word = decode_escapes(original);
    const std::size_t equals = word.empty() ? std::string::npos : find_equals(word);
    if (equals == std::string::npos) {
      free_words.push_back(word.find('=') == std::string::npos ? original
                                                               : replace_all(word, "\\=", "="));
      continue;
    }
    const std::string key(trim(std::string_view(word).substr(0, equals)));
    const bool is_option = !free_form_allowed || std::find(kCommandOptions.begin(),
                                                           kCommandOptions.end(),
                                                           std::string_view(word).substr(
                                                               0, equals)) != kCommandOptions.end();
    if (is_option) {
      options.set(Value(key), Value(unquote(trim(std::string_view(word).substr(equals + 1)))));
    } else {
      free_words.push_back(original);
    }
  }
  if (!free_words.empty()) {
    std::string joined;
    for (const std::string& word : free_words) {
      if (!joined.empty() && !joined.ends_with('\n')) joined += ' ';
      joined += word;
    }
    options.set("_raw_params", Value(std::move(joined)));
  }
  return Value(std::move(options));
}

}  // namespace gpustack::modules
