#include "core/jinja/yaml_emitter.hpp"

#include "core/jinja/operators.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/text.hpp"
#include "core/jinja/yaml_anchors.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace gpustack::jinja {

namespace {

constexpr std::size_t kMaxSimpleKey = 128;
constexpr int kMaxDepth = 200;

// YAML 1.1's implicit types, as PyYAML's resolver knows them.
constexpr std::string_view kImplicit =
    "yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF"
    "|[-+]?(?:[0-9][0-9_]*)\\.[0-9_]*(?:[eE][-+][0-9]+)?|\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    "|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)"
    "|[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?"
    "::[0-5]?[0-9])+"
    "|<<|~|null|Null|NULL|=|!|&|\\*|"
    "|[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
    "|[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ "
    "\\t]+)[0-9][0-9]?:[0-9][0-9]:[0-9][0-9](?:\\.[0-9]*)?"
    "(?:[ \\t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?";

bool is_break(char32_t c) {
  return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}
bool is_blank_or_end(char32_t c) { return c == 0 || c == ' ' || c == '\t' || is_break(c); }
// libyaml's idea of printable: no tab, nothing beyond the basic plane.
bool is_printable(char32_t c) {
  return c == '\n' || (c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xD7FF) ||
         (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF);
}

enum class ScalarKind : std::uint8_t { plain, single_quoted, double_quoted };

struct Analysis {
  std::u32string text;
  bool multiline = false;
  bool flow_plain = true;
  bool block_plain = true;
  bool single_quoted = true;
};

/// Does a plain scalar with this character read as something else, inside `[]` and `{}` or
/// outside?
struct Indicators {
  bool flow = false;
  bool block = false;
};

Indicators indicators_at(std::u32string_view text, std::size_t i) {
  constexpr std::u32string_view kFirst = U"#,[]{}&*!|>'\"%@`";
  constexpr std::u32string_view kInFlow = U",?[]{}";
  const char32_t c = text[i];
  const bool followed = is_blank_or_end(i + 1 < text.size() ? text[i + 1] : 0);
  if (c == ':' || (c == '?' && i == 0)) return {true, followed};
  const bool always = i == 0 ? kFirst.find(c) != std::u32string_view::npos || (c == '-' && followed)
                             : c == '#' && is_blank_or_end(text[i - 1]);
  return {always || kInFlow.find(c) != std::u32string_view::npos, always};
}

bool is_space_or_break(char32_t c) { return c == ' ' || is_break(c); }

/// A space beside a line break: only double quotes keep it.
bool has_space_at_break(std::u32string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if ((text[i] == ' ' && is_break(text[i - 1])) || (is_break(text[i]) && text[i - 1] == ' '))
      return true;
  }
  return false;
}

Analysis analyze(const std::string& scalar, bool allow_unicode) {
  Analysis out;
  for (std::size_t at = 0; at < scalar.size();) out.text += read_code_point(scalar, at);
  const std::u32string& text = out.text;
  if (text.empty()) {
    out.flow_plain = false;
    return out;
  }
  out.multiline = std::any_of(text.begin(), text.end(), is_break);
  const bool needs_escapes = std::any_of(text.begin(), text.end(), [&](char32_t c) {
    return !is_printable(c) || (c >= 0x80 && !allow_unicode);
  });
  out.single_quoted = !needs_escapes && !has_space_at_break(text);
  const bool space_at_edge = is_space_or_break(text.front()) || is_space_or_break(text.back());
  const bool is_marker = scalar.starts_with("---") || scalar.starts_with("...");
  out.flow_plain = out.block_plain =
      out.single_quoted && !out.multiline && !space_at_edge && !is_marker;
  // What bars a scalar from block style bars it from flow style, too.
  for (std::size_t i = 0; i < text.size() && out.block_plain; ++i) {
    const Indicators found = indicators_at(text, i);
    out.flow_plain = out.flow_plain && !found.flow;
    out.block_plain = !found.block;
  }
  return out;
}

class Emitter {
 public:
  explicit Emitter(const YamlStyle& style) : style_(style) {
    best_indent_ = style.indent > 1 && style.indent < 10 ? style.indent : 2;
    best_width_ = style.width >= 0 && style.width <= best_indent_ * 2 ? 80 : style.width;
    if (best_width_ < 0) best_width_ = INT32_MAX;
  }

  Result<std::string> document(const Value& value) {
    if (style_.explicit_start) {
      out_ += "---";
      column_ = 3;
      whitespace_ = indention_ = false;
    }
    if (style_.anchors) anchors_.collect(value, style_.sort_keys);
    GS_TRY_VOID(node(value, Place::root, false));
    write_indent();
    if (style_.explicit_end) {
      indicator("...", true, false, false);
      write_indent();
    }
    return std::move(out_);
  }

 private:
  enum class Place : std::uint8_t { root, sequence, mapping };

  void put(char32_t c) {
    append_code_point(out_, c);
    ++column_;
  }
  void line_break() {
    out_ += '\n';
    column_ = 0;
  }
  void write_indent() {
    const int indent = std::max(indent_, 0);
    if (!indention_ || column_ > indent || (column_ == indent && !whitespace_)) line_break();
    while (column_ < indent) put(' ');
    whitespace_ = true;
    indention_ = true;
  }
  void indicator(std::string_view text, bool need_space, bool is_whitespace, bool is_indention) {
    if (need_space && !whitespace_) put(' ');
    for (const char c : text) put(static_cast<unsigned char>(c));
    whitespace_ = is_whitespace;
    indention_ = indention_ && is_indention;
  }

  [[nodiscard]] bool in_flow_style(const Value& value) const {
    if (style_.flow != YamlStyle::Flow::leaves) return style_.flow == YamlStyle::Flow::always;
    const auto scalar = [](const Value& item) { return !item.is_list() && !item.is_map(); };
    if (value.is_list()) return std::all_of(value.as_list().begin(), value.as_list().end(), scalar);
    return std::all_of(value.as_map().begin(), value.as_map().end(), [&](const auto& entry) {
      return scalar(entry.key) && scalar(entry.value);
    });
  }

  Result<void> node(const Value& value, Place place, bool simple_key) {
    if (++depth_ > kMaxDepth)
      return Error(ErrorCode::template_limit, "the value is nested more than 200 levels deep");
    mapping_context_ = place == Place::mapping;
    simple_key_ = simple_key;
    if (const std::string anchor = anchors_.next(value); !anchor.empty()) {
      indicator(anchor, true, false, false);
      if (anchor[0] == '*') {
        --depth_;
        return {};
      }
    }
    Result<void> done;
    if (value.is_list()) {
      done = flow_level_ > 0 || value.size() == 0 || in_flow_style(value) ? flow_sequence(value)
                                                                          : block_sequence(value);
    } else if (value.is_map()) {
      done = flow_level_ > 0 || value.size() == 0 || in_flow_style(value) ? flow_mapping(value)
                                                                          : block_mapping(value);
    } else {
      done = scalar(value);
    }
    --depth_;
    return done;
  }

  int push_indent(bool flow, bool indentless) {
    const int outer = indent_;
    if (indent_ < 0) {
      indent_ = flow ? best_indent_ : 0;
    } else if (!indentless) {
      indent_ += best_indent_;
    }
    return outer;
  }

  Result<void> block_sequence(const Value& value) {
    const int outer = push_indent(false, mapping_context_ && !indention_);
    for (const Value& item : value.as_list()) {
      write_indent();
      indicator("-", true, false, true);
      GS_TRY_VOID(node(item, Place::sequence, false));
    }
    indent_ = outer;
    return {};
  }

  Result<bool> fits_simple_key(const Value& key) {
    if (key.is_list() || key.is_map()) return key.size() == 0;
    GS_TRY(const std::string text, scalar_text(key));
    if (text.size() > kMaxSimpleKey) return false;
    return text.find('\n') == std::string::npos && !analyze(text, style_.allow_unicode).multiline;
  }

  Result<void> block_mapping(const Value& value) {
    const int outer = push_indent(false, false);
    const std::vector<Map::Entry> entries = yaml_entries(value.as_map(), style_.sort_keys);
    for (const auto& [key, item] : entries) {
      write_indent();
      GS_TRY(const bool simple, fits_simple_key(key));
      if (simple) {
        GS_TRY_VOID(node(key, Place::mapping, true));
        indicator(":", false, false, false);
      } else {
        indicator("?", true, false, true);
        GS_TRY_VOID(node(key, Place::mapping, false));
        write_indent();
        indicator(":", true, false, true);
      }
      GS_TRY_VOID(node(item, Place::mapping, false));
    }
    indent_ = outer;
    return {};
  }

  Result<void> flow_sequence(const Value& value) {
    indicator("[", true, true, false);
    const int outer = push_indent(true, false);
    ++flow_level_;
    bool first = true;
    for (const Value& item : value.as_list()) {
      if (!std::exchange(first, false)) indicator(",", false, false, false);
      if (column_ > best_width_) write_indent();
      GS_TRY_VOID(node(item, Place::sequence, false));
    }
    --flow_level_;
    indent_ = outer;
    indicator("]", false, false, false);
    return {};
  }

  Result<void> flow_mapping(const Value& value) {
    indicator("{", true, true, false);
    const int outer = push_indent(true, false);
    ++flow_level_;
    bool first = true;
    const std::vector<Map::Entry> entries = yaml_entries(value.as_map(), style_.sort_keys);
    for (const auto& [key, item] : entries) {
      if (!std::exchange(first, false)) indicator(",", false, false, false);
      if (column_ > best_width_) write_indent();
      GS_TRY(const bool simple, fits_simple_key(key));
      if (simple) {
        GS_TRY_VOID(node(key, Place::mapping, true));
        indicator(":", false, false, false);
      } else {
        indicator("?", true, false, false);
        GS_TRY_VOID(node(key, Place::mapping, false));
        if (column_ > best_width_) write_indent();
        indicator(":", true, false, false);
      }
      GS_TRY_VOID(node(item, Place::mapping, false));
    }
    --flow_level_;
    indent_ = outer;
    indicator("}", false, false, false);
    return {};
  }

  Result<std::string> scalar_text(const Value& value) const {
    switch (value.kind()) {
      case Kind::null:
        return std::string("null");
      case Kind::boolean:
        return std::string(value.as_bool() ? "true" : "false");
      case Kind::real: {
        const double number = value.as_real();
        if (std::isnan(number)) return std::string(".nan");
        if (std::isinf(number)) return std::string(number > 0 ? ".inf" : "-.inf");
        std::string text = lower(real_text(number));
        const std::size_t exponent = text.find('e');
        if (exponent != std::string::npos && text.find('.') == std::string::npos)
          text.insert(exponent, ".0");
        return text;
      }
      case Kind::undefined:
        return undefined_value_error(value);
      default:
        return to_text(value);
    }
  }

  Result<void> scalar(const Value& value) {
    GS_TRY(const std::string text, scalar_text(value));
    const bool is_string = value.is_string();
    const Analysis analysis = analyze(text, style_.allow_unicode);
    const ScalarKind kind = select_style(analysis, is_string, text);
    const int outer = push_indent(true, false);
    const bool may_break = !simple_key_;
    if (kind == ScalarKind::plain) {
      write_plain(analysis.text, may_break);
    } else if (kind == ScalarKind::single_quoted) {
      write_single_quoted(analysis.text, may_break);
    } else {
      write_double_quoted(analysis.text, may_break);
    }
    indent_ = outer;
    return {};
  }

  [[nodiscard]] ScalarKind select_style(const Analysis& analysis,
                                        bool is_string,
                                        const std::string& text) const {
    ScalarKind kind = ScalarKind::plain;
    if (is_string && style_.quote == '"') return ScalarKind::double_quoted;
    if (is_string && style_.quote == '\'') kind = ScalarKind::single_quoted;
    if (simple_key_ && analysis.multiline) return ScalarKind::double_quoted;
    if (kind == ScalarKind::plain) {
      const bool allowed = flow_level_ > 0 ? analysis.flow_plain : analysis.block_plain;
      if (!allowed || (analysis.text.empty() && (flow_level_ > 0 || simple_key_)) ||
          (is_string && !reads_as_string(text))) {
        kind = ScalarKind::single_quoted;
      }
    }
    if (kind == ScalarKind::single_quoted && !analysis.single_quoted)
      return ScalarKind::double_quoted;
    return kind;
  }

  void write_plain(const std::u32string& text, bool may_break) {
    if (!whitespace_ && (!text.empty() || flow_level_ > 0)) put(' ');
    bool spaces = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == ' ') {
        const bool next_is_space = i + 1 < text.size() && text[i + 1] == ' ';
        if (may_break && !spaces && column_ > best_width_ && !next_is_space) {
          write_indent();
        } else {
          put(' ');
        }
        spaces = true;
      } else {
        put(text[i]);
        indention_ = false;
        spaces = false;
      }
    }
    whitespace_ = indention_ = false;
  }

  void write_single_quoted(const std::u32string& text, bool may_break) {
    indicator("'", true, false, false);
    bool spaces = false;
    bool breaks = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char32_t c = text[i];
      if (c == ' ') {
        const bool next_is_space = i + 1 < text.size() && text[i + 1] == ' ';
        if (may_break && !spaces && column_ > best_width_ && i > 0 && i + 1 < text.size() &&
            !next_is_space) {
          write_indent();
        } else {
          put(' ');
        }
        spaces = true;
      } else if (is_break(c)) {
        if (!breaks && c == '\n') line_break();
        line_break();
        indention_ = true;
        breaks = true;
      } else {
        if (breaks) write_indent();
        put(c);
        if (c == '\'') put(c);
        indention_ = spaces = breaks = false;
      }
    }
    if (breaks) write_indent();
    indicator("'", false, false, false);
    whitespace_ = indention_ = false;
  }

  void write_double_quoted(const std::u32string& text, bool may_break) {
    indicator("\"", true, false, false);
    bool spaces = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char32_t c = text[i];
      if (!is_printable(c) || (c >= 0x80 && !style_.allow_unicode) || is_break(c) || c == '"' ||
          c == '\\') {
        write_escape(c);
        spaces = false;
      } else if (c == ' ') {
        if (may_break && !spaces && column_ > best_width_ && i > 0 && i + 1 < text.size()) {
          write_indent();
          if (text[i + 1] == ' ') put('\\');
        } else {
          put(' ');
        }
        spaces = true;
      } else {
        put(c);
        spaces = false;
      }
    }
    indicator("\"", false, false, false);
    whitespace_ = indention_ = false;
  }

  void write_escape(char32_t c) {
    constexpr std::pair<char32_t, char> kNamed[] = {{0, '0'},
                                                    {7, 'a'},
                                                    {8, 'b'},
                                                    {9, 't'},
                                                    {10, 'n'},
                                                    {11, 'v'},
                                                    {12, 'f'},
                                                    {13, 'r'},
                                                    {0x1b, 'e'},
                                                    {'"', '"'},
                                                    {'\\', '\\'},
                                                    {0x85, 'N'},
                                                    {0xA0, '_'},
                                                    {0x2028, 'L'},
                                                    {0x2029, 'P'}};
    put('\\');
    for (const auto& [point, letter] : kNamed) {
      if (point == c) {
        put(static_cast<unsigned char>(letter));
        return;
      }
    }
    std::array<char, 12> buffer{};
    const char* format = c <= 0xFF ? "x%02X" : c <= 0xFFFF ? "u%04X" : "U%08X";
    std::snprintf(buffer.data(), buffer.size(), format, static_cast<unsigned>(c));
    for (const char* digit = buffer.data(); *digit != '\0'; ++digit)
      put(static_cast<unsigned char>(*digit));
  }

  const YamlStyle& style_;
  std::string out_;
  int best_indent_;
  int best_width_;
  int indent_ = -1;
  int column_ = 0;
  int flow_level_ = 0;
  int depth_ = 0;
  YamlAnchors anchors_;
  bool whitespace_ = true;
  bool indention_ = true;
  bool mapping_context_ = false;
  bool simple_key_ = false;
};

}  // namespace

bool reads_as_string(const std::string& text) {
  static const regex::Pattern kPattern = *regex::Pattern::compile(kImplicit);
  const auto match = kPattern.full_match(text);
  return match.has_value() && !match->has_value();
}

Result<std::string> to_yaml(const Value& value, const YamlStyle& style) {
  return Emitter(style).document(value);
}

}  // namespace gpustack::jinja
