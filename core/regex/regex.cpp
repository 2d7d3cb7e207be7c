#include "core/regex/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>

namespace gpustack::regex {

namespace {

constexpr std::uint32_t kMatchLimit = 10'000'000;
constexpr std::uint32_t kHeapLimitKib = 256U * 1024U;

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};
using Code = std::unique_ptr<pcre2_code, Free>;
using MatchData = std::unique_ptr<pcre2_match_data, Free>;
using MatchContext = std::unique_ptr<pcre2_match_context, Free>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Free>;

PCRE2_SPTR units(std::string_view text) {
  // PCRE2 takes a null pointer for an error even when the length is zero.
  return reinterpret_cast<PCRE2_SPTR>(text.data() != nullptr ? text.data() : "");
}

std::string message_of(int error) {
  // The commonest slip of the pen, in the words of Python's `re`.
  if (error == PCRE2_ERROR_QUANTIFIER_INVALID) return "nothing to repeat";
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(error, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

/// Which bytes may follow a lead byte: how many, and between what the first of them lies.
/// @source The Unicode Standard, table 3-7
struct LeadRange {
  unsigned char first, last;
  std::size_t more;
  unsigned char low, high;
};

constexpr LeadRange kLeads[] = {
    {0xc2, 0xdf, 1, 0x80, 0xbf},
    {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf},
    {0xed, 0xed, 2, 0x80, 0x9f},
    {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf},
    {0xf1, 0xf3, 3, 0x80, 0xbf},
    {0xf4, 0xf4, 3, 0x80, 0x8f},
};

/// Length of the well-formed sequence the text begins with; 0 when it is ill-formed.
std::size_t sequence_size(std::string_view text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte_at(0) < 0x80) return 1;
  const auto* lead =
      std::find_if(std::begin(kLeads), std::end(kLeads), [&](const LeadRange& range) {
        return byte_at(0) >= range.first && byte_at(0) <= range.last;
      });
  if (lead == std::end(kLeads) || lead->more >= text.size()) return 0;
  if (byte_at(1) < lead->low || byte_at(1) > lead->high) return 0;
  for (std::size_t i = 2; i <= lead->more; ++i) {
    if ((byte_at(i) & 0xc0U) != 0x80U) return 0;
  }
  return lead->more + 1;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = sequence_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

Result<Code> compile_code(std::string_view source, const std::string& translated, Flag flags) {
  // In Python's multi-line mode `^` also matches behind a line end that ends the text.
  std::uint32_t options = PCRE2_NEVER_BACKSLASH_C | PCRE2_ALT_CIRCUMFLEX;
  if (has(flags, Flag::ignore_case)) options |= PCRE2_CASELESS;
  if (has(flags, Flag::multiline)) options |= PCRE2_MULTILINE;
  if (has(flags, Flag::dot_all)) options |= PCRE2_DOTALL;
  if (!has(flags, Flag::bytes)) {
    options |= PCRE2_UTF;
    if (!has(flags, Flag::ascii)) options |= PCRE2_UCP;
  }
  const CompileContext context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(
      pcre2_compile(units(translated), translated.size(), options, &error, &offset, context.get()));
  if (code == nullptr) {
    return Error(ErrorCode::regex,
                 "regular expression '" + std::string(source) + "': " + message_of(error));
  }
  return code;
}

}  // namespace

struct Pattern::Compiled {
  std::string source;
  std::string translated;
  Flag flags = Flag::none;
  Code code;
  std::size_t groups = 0;
  std::vector<std::pair<std::string, std::size_t>> names;
};

namespace {

/// One search over one subject: validates the text once, then matches from any offset.
class Searcher {
 public:
  static Result<Searcher> over(std::string_view source,
                               const std::string& translated,
                               Flag flags,
                               const pcre2_code* code,
                               std::string_view subject) {
    Searcher searcher(source, subject);
    searcher.code_ = code;
    if (!has(flags, Flag::bytes)) {
      if (is_utf8(subject)) {
        searcher.options_ = PCRE2_NO_UTF_CHECK;
      } else {
        // Text that is no UTF-8 is searched byte by byte.
        GS_TRY(searcher.own_, compile_code(source, translated, flags | Flag::bytes));
        searcher.code_ = searcher.own_.get();
      }
    }
    searcher.data_.reset(pcre2_match_data_create_from_pattern(searcher.code_, nullptr));
    searcher.context_.reset(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(searcher.context_.get(), kMatchLimit);
    pcre2_set_heap_limit(searcher.context_.get(), kHeapLimitKib);
    return searcher;
  }

  Result<std::optional<Match>> find(std::size_t from, std::uint32_t options = 0) {
    if (from > subject_.size()) return std::optional<Match>();
    const int found = pcre2_match(code_,
                                  units(subject_),
                                  subject_.size(),
                                  from,
                                  options | options_,
                                  data_.get(),
                                  context_.get());
    if (found == PCRE2_ERROR_NOMATCH) return std::optional<Match>();
    if (found < 0) {
      return Error(ErrorCode::regex,
                   "regular expression '" + std::string(source_) + "': " + message_of(found) +
                       " on this text");
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data_.get());
    const std::size_t pairs = pcre2_get_ovector_count(data_.get());
    std::vector<std::size_t> copy(bounds, bounds + 2 * pairs);
    for (std::size_t i = 2 * static_cast<std::size_t>(found); i < copy.size(); ++i)
      copy[i] = Match::kUnset;
    return std::optional<Match>(Match(subject_, std::move(copy)));
  }

 private:
  Searcher(std::string_view source, std::string_view subject)
      : source_(source), subject_(subject) {}

  std::string_view source_;
  std::string_view subject_;
  const pcre2_code* code_ = nullptr;
  Code own_;
  std::uint32_t options_ = 0;
  MatchData data_;
  MatchContext context_;
};

/// Parses a replacement template once; literal text and group numbers alternate.
struct Template {
  struct Part {
    std::string text;
    std::size_t group = Match::kUnset;
  };
  std::vector<Part> parts;

  void reference(std::size_t group) { parts.push_back(Part{{}, group}); }

  void literal(char c) {
    if (parts.empty() || parts.back().group != Match::kUnset) parts.push_back(Part{});
    parts.back().text += c;
  }

  [[nodiscard]] std::string fill(const Match& match) const {
    std::string out;
    for (const Part& part : parts) {
      if (part.group == Match::kUnset) {
        out += part.text;
      } else {
        out += match.text(part.group);
      }
    }
    return out;
  }
};

Error template_fault(std::string_view text, const std::string& what) {
  return Error(ErrorCode::regex, "replacement '" + std::string(text) + "': " + what);
}

Result<std::size_t> named_reference(const Pattern& pattern,
                                    std::string_view text,
                                    std::string_view name) {
  const bool number = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c >= '0' && c <= '9';
  });
  if (number && name.size() < 6) {
    const auto group = static_cast<std::size_t>(std::stoul(std::string(name)));
    if (group <= pattern.groups()) return group;
    return template_fault(text, "invalid group reference " + std::string(name));
  }
  if (const auto group = pattern.group(name)) return *group;
  return template_fault(text, "unknown group name '" + std::string(name) + "'");
}

/// Reads a replacement as Python's re does.
class TemplateParser {
 public:
  TemplateParser(const Pattern& pattern, std::string_view text) : pattern_(pattern), text_(text) {}

  Result<Template> run() {
    while (at_ < text_.size()) {
      if (text_[at_] == '\\') {
        GS_TRY_VOID(escape());
      } else {
        result_.literal(text_[at_++]);
      }
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool is_octal(std::size_t i) const {
    return i < text_.size() && text_[i] >= '0' && text_[i] <= '7';
  }
  [[nodiscard]] bool is_digit(std::size_t i) const {
    return i < text_.size() && text_[i] >= '0' && text_[i] <= '9';
  }

  Result<void> escape() {
    if (at_ + 1 >= text_.size()) return template_fault(text_, "bad escape (end of pattern)");
    if (text_[at_ + 1] == 'g') return named_group();
    const bool three_octal = is_octal(at_ + 1) && is_octal(at_ + 2) && is_octal(at_ + 3);
    if (text_[at_ + 1] == '0' || three_octal) return octal();
    if (is_digit(at_ + 1)) return numbered_group();
    return letter();
  }

  Result<void> named_group() {
    const std::size_t close = text_.find('>', at_);
    if (at_ + 2 >= text_.size() || text_[at_ + 2] != '<')
      return template_fault(text_, "missing < after \\g");
    if (close == std::string_view::npos)
      return template_fault(text_, "missing >, unterminated group name");
    GS_TRY(const std::size_t group,
           named_reference(pattern_, text_, text_.substr(at_ + 3, close - at_ - 3)));
    result_.reference(group);
    at_ = close + 1;
    return {};
  }

  Result<void> numbered_group() {
    const std::size_t digits = is_digit(at_ + 2) ? 2 : 1;
    GS_TRY(const std::size_t group,
           named_reference(pattern_, text_, text_.substr(at_ + 1, digits)));
    result_.reference(group);
    at_ += 1 + digits;
    return {};
  }

  Result<void> octal() {
    unsigned value = 0;
    std::size_t end = at_ + 1;
    for (; end < at_ + 4 && is_octal(end); ++end)
      value = value * 8 + static_cast<unsigned>(text_[end] - '0');
    if (value > 0377) return template_fault(text_, "octal escape value outside of range 0-0o377");
    if (value >= 0x80) result_.literal(static_cast<char>(0xc0U | (value >> 6U)));
    result_.literal(static_cast<char>(value >= 0x80 ? (0x80U | (value & 0x3fU)) : value));
    at_ = end;
    return {};
  }

  Result<void> letter() {
    constexpr std::string_view kNames = "abfnrtv\\";
    constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\";
    const char c = text_[at_ + 1];
    if (const std::size_t known = kNames.find(c); known != std::string_view::npos) {
      result_.literal(kValues[known]);
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      return template_fault(text_, std::string("bad escape \\") + c);
    } else {
      result_.literal('\\');
      result_.literal(c);
    }
    at_ += 2;
    return {};
  }

  const Pattern& pattern_;
  std::string_view text_;
  std::size_t at_ = 0;
  Template result_;
};

}  // namespace

Result<Pattern> Pattern::compile(std::string_view pattern, Flag flags) {
  auto compiled = std::make_shared<Compiled>();
  compiled->source = pattern;
  compiled->flags = is_utf8(pattern) ? flags : (flags | Flag::bytes);
  GS_TRY(compiled->translated, translate(pattern, compiled->flags));
  GS_TRY(compiled->code, compile_code(pattern, compiled->translated, compiled->flags));
  std::uint32_t number = 0;
  pcre2_pattern_info(compiled->code.get(), PCRE2_INFO_CAPTURECOUNT, &number);
  compiled->groups = number;
  std::uint32_t names = 0;
  std::uint32_t entry_size = 0;
  PCRE2_SPTR table = nullptr;
  pcre2_pattern_info(compiled->code.get(), PCRE2_INFO_NAMECOUNT, &names);
  pcre2_pattern_info(compiled->code.get(), PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
  pcre2_pattern_info(compiled->code.get(), PCRE2_INFO_NAMETABLE, &table);
  for (std::uint32_t i = 0; i < names; ++i, table += entry_size) {
    const auto group = static_cast<std::size_t>(table[0]) * 256 + table[1];
    compiled->names.emplace_back(reinterpret_cast<const char*>(table + 2), group);
  }
  std::sort(compiled->names.begin(), compiled->names.end(), [](const auto& a, const auto& b) {
    return a.second < b.second;
  });
  return Pattern(std::move(compiled));
}

std::size_t Pattern::groups() const { return compiled_->groups; }
const std::vector<std::pair<std::string, std::size_t>>& Pattern::names() const {
  return compiled_->names;
}
const std::string& Pattern::source() const { return compiled_->source; }

std::optional<std::size_t> Pattern::group(std::string_view name) const {
  for (const auto& [known, number] : compiled_->names) {
    if (known == name) return number;
  }
  return std::nullopt;
}

Result<std::optional<Match>> Pattern::search(std::string_view subject, std::size_t from) const {
  const Compiled& own = *compiled_;
  GS_TRY(Searcher searcher,
         Searcher::over(own.source, own.translated, own.flags, own.code.get(), subject));
  return searcher.find(from);
}

Result<std::optional<Match>> Pattern::match(std::string_view subject) const {
  const Compiled& own = *compiled_;
  GS_TRY(Searcher searcher,
         Searcher::over(own.source, own.translated, own.flags, own.code.get(), subject));
  return searcher.find(0, PCRE2_ANCHORED);
}

Result<std::optional<Match>> Pattern::full_match(std::string_view subject) const {
  const Compiled& own = *compiled_;
  GS_TRY(Searcher searcher,
         Searcher::over(own.source, own.translated, own.flags, own.code.get(), subject));
  return searcher.find(0, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
}

Result<std::vector<Match>> Pattern::find_all(std::string_view subject) const {
  const Compiled& own = *compiled_;
  GS_TRY(Searcher searcher,
         Searcher::over(own.source, own.translated, own.flags, own.code.get(), subject));
  std::vector<Match> matches;
  std::size_t from = 0;
  std::uint32_t options = 0;
  while (true) {
    GS_TRY(auto found, searcher.find(from, options));
    if (!found) return matches;
    // After an empty match the next one must not be empty at the same place.
    options = found->begin() == found->end() ? PCRE2_NOTEMPTY_ATSTART : 0;
    from = found->end();
    matches.push_back(std::move(*found));
  }
}

Result<Substitution> Pattern::substitute(std::string_view subject,
                                         std::string_view replacement,
                                         std::size_t limit) const {
  GS_TRY(const Template parsed, TemplateParser(*this, replacement).run());
  GS_TRY(const auto matches, find_all(subject));
  Substitution result;
  std::size_t copied = 0;
  for (const Match& match : matches) {
    if (limit != 0 && result.count == limit) break;
    result.text += subject.substr(copied, match.begin() - copied);
    result.text += parsed.fill(match);
    copied = match.end();
    ++result.count;
  }
  result.text += subject.substr(copied);
  return result;
}

Result<std::vector<std::string>> Pattern::split(std::string_view subject, std::size_t limit) const {
  GS_TRY(const auto matches, find_all(subject));
  std::vector<std::string> pieces;
  std::size_t copied = 0;
  std::size_t count = 0;
  for (const Match& match : matches) {
    if (limit != 0 && count == limit) break;
    pieces.emplace_back(subject.substr(copied, match.begin() - copied));
    for (std::size_t group = 1; group <= match.groups(); ++group)
      pieces.emplace_back(match.text(group));
    copied = match.end();
    ++count;
  }
  pieces.emplace_back(subject.substr(copied));
  return pieces;
}

Result<std::string> Pattern::expand(const Match& match, std::string_view replacement) const {
  GS_TRY(const Template parsed, TemplateParser(*this, replacement).run());
  return parsed.fill(match);
}

}  // namespace gpustack::regex
