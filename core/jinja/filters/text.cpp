// upper, lower, replace, trim, format, …
#include "core/jinja/text.hpp"

#include "core/jinja/filters/tables.hpp"
#include "core/jinja/format.hpp"
#include "core/jinja/methods.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

template <std::string (*Change)(std::string_view)>
Result<void> change(Invocation& call, TextBuffer& out) {
  GS_TRY(const TextView text, call.input_view());
  out.append(Change(text.view()));
  return {};
}

// Jinja2's title(): words begin after white space, a hyphen or an opening bracket.
std::string title_words(std::string_view text) {
  std::string out;
  bool word_start = true;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t point = read_code_point(text, at);
    const bool breaks = is_space_point(point) || point == '-' || point == '(' || point == '{' ||
                        point == '[' || point == '<';
    append_code_point(out, breaks ? point : word_start ? upper_point(point) : lower_point(point));
    word_start = breaks;
  }
  return out;
}

/// upper and lower: ASCII, which most text is, goes over byte by byte.
template <std::string (*Change)(std::string_view), char first, char last>
Result<void> change_case(Invocation& call, TextBuffer& out) {
  if (call.input.is_integer()) {
    out.append(call.input.as_integer());
    return {};
  }
  if (!call.input.is_string() || !is_ascii(call.input.as_string()))
    return change<Change>(call, out);
  out.append_changed(call.input.as_string(), [](char c) {
    return c >= first && c <= last ? static_cast<char>(c ^ ' ') : c;
  });
  return {};
}

/// @pre `from` is not empty
void append_replaced(TextBuffer& out,
                     std::string_view text,
                     std::string_view from,
                     std::string_view to,
                     std::int64_t count) {
  for (; count != 0; --count) {
    const std::size_t found = text.find(from);
    if (found == std::string_view::npos) break;
    out.append(text.substr(0, found));
    out.append(to);
    text.remove_prefix(found + from.size());
  }
  out.append(text);
}

Result<void> replace(Invocation& call, TextBuffer& out) {
  static const Value kNothing;
  const Value& old_part = call.arg(0, kNothing);
  const Value& new_part = call.arg(1, kNothing);
  const bool are_strings = call.input.is_string() && old_part.is_string() && new_part.is_string();
  if (are_strings && !call.has(2)) {
    const std::string& text = call.input.as_string();
    const std::string& from = old_part.as_string();
    const std::string& to = new_part.as_string();
    if (from.size() == 1 && to.size() == 1) {
      out.append_changed(text,
                         [a = from.front(), b = to.front()](char c) { return c == a ? b : c; });
      return {};
    }
    if (!from.empty()) {
      append_replaced(out, text, from, to, -1);
      return {};
    }
  }
  GS_TRY(const TextView text, call.input_view());
  GS_TRY(const TextView from, call.text_view(0));
  GS_TRY(const TextView to, call.text_view(1));
  GS_TRY(const std::int64_t count, call.integer(2, -1));
  out.append(replace_all(text.view(), from.view(), to.view(), count));
  return {};
}

Result<void> trim(Invocation& call, TextBuffer& out) {
  GS_TRY(const TextView text, call.input_view());
  GS_TRY(const std::string chars, call.text(0));
  out.append(strip(text.view(), chars));
  return {};
}

Result<Value> to_string(Invocation& call) {
  GS_TRY(std::string text, call.input_text());
  return Value(std::move(text));
}

Result<Value> format(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  if (!call.rest.empty() && !call.named.empty())
    return call.fail("takes positional or named values, not both");
  const Value values = call.named.empty()
                           ? Value(List(call.rest.begin(), call.rest.end())).as_tuple()
                           : Value(call.named);
  GS_TRY(std::string out, percent_format(text, values));
  return Value(std::move(out));
}

Result<Value> escape(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return Value(std::move(out));
}

Result<Value> strip_tags(Invocation& call) {
  GS_TRY(std::string text, call.input_text());
  for (std::size_t begin = text.find("<!--"); begin != std::string::npos;
       begin = text.find("<!--", begin)) {
    const std::size_t end = text.find("-->", begin);
    if (end == std::string::npos) break;
    text.erase(begin, end + 3 - begin);
  }
  for (std::size_t begin = text.find('<'); begin != std::string::npos;
       begin = text.find('<', begin)) {
    const std::size_t end = text.find('>', begin);
    if (end == std::string::npos) break;
    text.erase(begin, end + 1 - begin);
  }
  std::string out;
  for (const std::string& entity_text : {text}) {
    std::string plain = replace_all(
        replace_all(replace_all(entity_text, "&lt;", "<"), "&gt;", ">"), "&quot;", "\"");
    plain = replace_all(replace_all(plain, "&#39;", "'"), "&amp;", "&");
    bool space = false;
    for (std::size_t at = 0; at < plain.size();) {
      const char32_t point = read_code_point(plain, at);
      if (is_space_point(point)) {
        space = true;
        continue;
      }
      if (space && !out.empty()) out += ' ';
      space = false;
      append_code_point(out, point);
    }
  }
  return Value(std::move(out));
}

Result<Value> word_count(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t point = read_code_point(text, at);
    const bool word = is_alpha_point(point) || is_digit_point(point) || point == '_';
    if (word && !inside) ++words;
    inside = word;
  }
  return Value(words);
}

Result<Value> center(Invocation& call) {
  GS_TRY(std::string text, call.input_text());
  GS_TRY(const std::int64_t width, call.integer(0, 80));
  return call_method(
      call.render, Value(std::move(text)), "center", CallArguments{{Value(width)}, {}});
}

Result<Value> split(Invocation& call) {
  if (!call.input.is_string()) return call.wrong_type("a string", call.input);
  CallArguments arguments;
  arguments.positional = {call.arg(0), call.arg(1, Value(-1))};
  return call_method(call.render, call.input, "split", arguments);
}

Result<Value> reverse(Invocation& call) {
  if (call.input.is_string()) {
    const auto size = static_cast<std::int64_t>(code_points(call.input.as_string()));
    return Value(pick_code_points(call.input.as_string(), size - 1, -1, size));
  }
  GS_TRY(const List items, call.input_items());
  return Value(List(items.rbegin(), items.rend()));
}

// Shell quoting: a word of safe characters stays, anything else goes into single quotes.
Result<Value> quote(Invocation& call) {
  GS_TRY(const std::string text,
         call.input.is_null() ? Result<std::string>(std::string()) : call.input_text());
  constexpr std::string_view kSafe = "@%+=:,./-_";
  const bool safe = !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kSafe.find(c) != std::string_view::npos;
  });
  if (safe) return Value(text);
  return Value("'" + replace_all(text, "'", "'\"'\"'") + "'");
}

/// A filter whose text may be written where it goes.
template <TextFunction write>
constexpr FilterRow text_row(std::string_view name, std::string_view parameters = {}) {
  return {name, text_value<write>, parameters, Marks::join, false, false, false, write};
}

constexpr FilterRow kRows[] = {
    text_row<change_case<upper, 'a', 'z'>>("upper"),
    text_row<change_case<lower, 'A', 'Z'>>("lower"),
    text_row<change<capitalize>>("capitalize"),
    text_row<change<title_words>>("title"),
    text_row<replace>("replace", "old! new! count"),
    text_row<trim>("trim", "chars"),
    {"string", to_string, "", Marks::join, false, true},
    {"format", format, "* **", Marks::join, true},
    {"escape", escape},
    {"e", escape},
    {"forceescape", escape},
    {"safe", to_string},
    {"striptags", strip_tags},
    {"wordcount", word_count, "", Marks::none},
    {"center", center, "width"},
    {"split", split, "sep maxsplit"},
    {"reverse", reverse},
    {"quote", quote},
};

}  // namespace

FilterTable text_filters() { return kRows; }

}  // namespace gpustack::jinja
