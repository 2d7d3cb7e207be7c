#include "core/jinja/format.hpp"
#include "core/jinja/methods.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

using Arguments = const CallArguments&;

/// Python's casefold(): lower case, and what has no single letter for it.
/// @source Unicode CaseFolding.txt, the full foldings of letters in use
std::string case_folded(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kFull[] = {
      {"ß", "ss"},
      {"ẞ", "ss"},
      {"ŉ", "ʼn"},
      {"ǰ", "ǰ"},
      {"ς", "σ"},
      {"ſ", "s"},
      {"ﬀ", "ff"},
      {"ﬁ", "fi"},
      {"ﬂ", "fl"},
      {"ﬃ", "ffi"},
      {"ﬄ", "ffl"},
      {"ﬅ", "st"},
      {"ﬆ", "st"},
  };
  std::string folded(text);
  for (const auto& [from, to] : kFull) folded = replace_all(folded, from, to);
  return lower(folded);
}

template <std::string (*Change)(std::string_view)>
Result<Value> change(Render&, const Value& self, Arguments arguments) {
  GS_TRY_VOID(MethodArguments("this method", arguments).expect(0, 0));
  return Value(Change(self.as_string()));
}

template <Side side>
Result<Value> stripped(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args("strip", arguments);
  GS_TRY_VOID(args.expect(0, 1));
  const Value* chars = args.get(0);
  if (chars != nullptr && chars->is_string() && chars->as_string().empty()) return self;
  GS_TRY(const std::string set, args.text(0));
  return Value(strip(self.as_string(), set, side));
}

List split_space(std::string_view text, std::int64_t limit, bool from_right) {
  List out;
  if (!from_right) {
    text = strip(text, {}, Side::left);
    while (!text.empty()) {
      if (limit == 0) {
        out.emplace_back(text);  // what is left keeps its end
        return out;
      }
      std::size_t end = 0;
      std::size_t next = 0;
      while (next < text.size()) {
        end = next;
        if (is_space_point(read_code_point(text, next))) break;
        end = next;
      }
      out.emplace_back(text.substr(0, end));
      text = strip(text.substr(end), {}, Side::left);
      if (limit > 0) --limit;
    }
    return out;
  }
  text = strip(text, {}, Side::right);
  while (!text.empty()) {
    if (limit == 0) {
      out.insert(out.begin(), Value(text));
      return out;
    }
    const std::size_t end = text.find_last_of(" \t\n\r\v\f");
    const std::size_t begin = end == std::string_view::npos ? 0 : end + 1;
    out.insert(out.begin(), Value(text.substr(begin)));
    text = strip(text.substr(0, begin), {}, Side::right);
    if (limit > 0) --limit;
  }
  return out;
}

List split_at(std::string_view text,
              std::string_view separator,
              std::int64_t limit,
              bool from_right) {
  List out;
  if (from_right) {
    while (limit != 0) {
      const std::size_t found = text.rfind(separator);
      if (found == std::string_view::npos) break;
      out.emplace_back(text.substr(found + separator.size()));
      text = text.substr(0, found);
      if (limit > 0) --limit;
    }
    out.emplace_back(text);
    std::reverse(out.begin(), out.end());
    return out;
  }
  constexpr std::size_t kUsual = 4;  // enough for most, so that the parts need not move
  out.reserve(kUsual);
  while (limit != 0) {
    const std::size_t found = text.find(separator);
    if (found == std::string_view::npos) break;
    out.emplace_back(text.substr(0, found));
    text.remove_prefix(found + separator.size());
    if (limit > 0) --limit;
  }
  out.emplace_back(text);
  return out;
}

template <bool from_right>
Result<Value> split(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args(from_right ? "rsplit" : "split", arguments);
  GS_TRY_VOID(args.expect(0, 2, {"sep", "maxsplit"}));
  const Value* separator = args.get(0, "sep");
  GS_TRY(const std::int64_t limit, args.integer(1, -1, "maxsplit"));
  if (separator == nullptr || separator->is_null())
    return Value(split_space(self.as_string(), limit, from_right));
  GS_TRY(const std::string text, args.text(0, {}, "sep"));
  if (text.empty())
    return Error(ErrorCode::filter_failed, "split() needs a separator that is not empty");
  return Value(split_at(self.as_string(), text, limit, from_right));
}

template <bool from_right>
Result<Value> partition(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args("partition", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  GS_TRY(const std::string separator, args.text(0));
  if (separator.empty())
    return Error(ErrorCode::filter_failed, "partition() needs a separator that is not empty");
  const std::string& text = self.as_string();
  const std::size_t found = from_right ? text.rfind(separator) : text.find(separator);
  if (found == std::string::npos) {
    return (from_right ? Value::list({"", "", text}) : Value::list({text, "", ""})).as_tuple();
  }
  return Value::list({text.substr(0, found), separator, text.substr(found + separator.size())})
      .as_tuple();
}

Result<Value> splitlines(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args("splitlines", arguments);
  GS_TRY_VOID(args.expect(0, 1, {"keepends"}));
  const Value* keep = args.get(0, "keepends");
  List out;
  for (std::string& line : split_lines(self.as_string(), keep != nullptr && keep->truthy()))
    out.emplace_back(std::move(line));
  return Value(std::move(out));
}

Result<Value> join(Render& render, const Value& self, Arguments arguments) {
  const MethodArguments args("join", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  GS_TRY(const List parts, render.items(*args.get(0)));
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].is_string()) {
      if (parts[i].is_undefined()) return undefined_value_error(parts[i]);
      return Error(ErrorCode::template_type,
                   "join() expected strings, found " + std::string(type_name(parts[i])) +
                       " as item " + std::to_string(i));
    }
    if (i > 0) out += self.as_string();
    out += parts[i].as_string();
  }
  return Value(std::move(out));
}

Result<Value> replace(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args("replace", arguments);
  GS_TRY_VOID(args.expect(2, 3));
  GS_TRY(const std::string from, args.text(0));
  GS_TRY(const std::string to, args.text(1));
  GS_TRY(const std::int64_t count, args.integer(2, -1));
  return Value(replace_all(self.as_string(), from, to, count));
}

Result<Value> format(Render& render, const Value& self, Arguments arguments) {
  const MemberReader member = [&](const Value& object, const Value& key) {
    return render.item(object, key);
  };
  GS_TRY(std::string text, brace_format(self.as_string(), arguments, member));
  return Value(std::move(text));
}

// startswith and endswith take one text or a tuple of them.
template <bool at_end>
Result<Value> begins(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args(at_end ? "endswith" : "startswith", arguments);
  GS_TRY_VOID(args.expect(1, 3));
  const Value& wanted = *args.get(0);
  const List options = wanted.is_list() ? wanted.as_list() : List{wanted};
  const auto size = static_cast<std::int64_t>(code_points(self.as_string()));
  GS_TRY(const SliceBounds bounds,
         slice_bounds(size,
                      args.get(1) != nullptr ? *args.get(1) : Value(),
                      args.get(2) != nullptr ? *args.get(2) : Value(),
                      Value()));
  const std::string text = pick_code_points(self.as_string(), bounds.start, 1, bounds.count);
  for (const Value& option : options) {
    if (!option.is_string()) {
      return Error(ErrorCode::template_type,
                   std::string(at_end ? "endswith" : "startswith") +
                       "() expected a string, found " + std::string(type_name(option)));
    }
    if (at_end ? text.ends_with(option.as_string()) : text.starts_with(option.as_string()))
      return Value(true);
  }
  return Value(false);
}

template <bool from_right, bool must>
Result<Value> find(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args("find", arguments);
  GS_TRY_VOID(args.expect(1, 3));
  GS_TRY(const std::string wanted, args.text(0));
  const std::string& text = self.as_string();
  const auto size = static_cast<std::int64_t>(code_points(text));
  GS_TRY(const SliceBounds bounds,
         slice_bounds(size,
                      args.get(1) != nullptr ? *args.get(1) : Value(),
                      args.get(2) != nullptr ? *args.get(2) : Value(),
                      Value()));
  const std::string part = pick_code_points(text, bounds.start, 1, bounds.count);
  const std::size_t found = from_right ? part.rfind(wanted) : part.find(wanted);
  if (found != std::string::npos) {
    return Value(bounds.start +
                 static_cast<std::int64_t>(code_points(std::string_view(part).substr(0, found))));
  }
  if (must)
    return Error(ErrorCode::filter_failed, "index(): '" + wanted + "' is not in the string");
  return Value(-1);
}

Result<Value> count(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args("count", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  GS_TRY(const std::string wanted, args.text(0));
  const std::string& text = self.as_string();
  if (wanted.empty()) return Value(static_cast<std::int64_t>(code_points(text)) + 1);
  std::int64_t found = 0;
  for (std::size_t at = text.find(wanted); at != std::string::npos;
       at = text.find(wanted, at + wanted.size()))
    ++found;
  return Value(found);
}

enum class Pad : std::uint8_t { left, right, centre };

template <Pad where>
Result<Value> padded(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args("ljust", arguments);
  GS_TRY_VOID(args.expect(1, 2));
  GS_TRY(const std::int64_t width, args.integer(0, 0));
  GS_TRY(const std::string fill, args.text(1, " "));
  if (width > 10'000'000)
    return Error(ErrorCode::template_limit, "the width " + std::to_string(width) + " is too large");
  const auto size = static_cast<std::int64_t>(code_points(self.as_string()));
  if (width <= size) return self;
  const std::int64_t missing = width - size;
  std::int64_t before = where == Pad::left    ? 0
                        : where == Pad::right ? missing
                                              : missing / 2 + (missing & width & 1);
  std::string out;
  for (; before > 0; --before) out += fill;
  const std::int64_t after = missing - static_cast<std::int64_t>(code_points(out));
  out += self.as_string();
  for (std::int64_t i = 0; i < after; ++i) out += fill;
  return Value(std::move(out));
}

Result<Value> zfill(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args("zfill", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  GS_TRY(const std::int64_t width, args.integer(0, 0));
  std::string text = self.as_string();
  const auto size = static_cast<std::int64_t>(code_points(text));
  if (width <= size) return self;
  if (width > 10'000'000)
    return Error(ErrorCode::template_limit, "the width " + std::to_string(width) + " is too large");
  const std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  text.insert(at, static_cast<std::size_t>(width - size), '0');
  return Value(std::move(text));
}

template <bool suffix>
Result<Value> remove_affix(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args(suffix ? "removesuffix" : "removeprefix", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  GS_TRY(const std::string affix, args.text(0));
  std::string_view text = self.as_string();
  if (suffix ? text.ends_with(affix) : text.starts_with(affix)) {
    if (suffix) {
      text.remove_suffix(affix.size());
    } else {
      text.remove_prefix(affix.size());
    }
  }
  return Value(text);
}

Result<Value> expand_tabs(Render&, const Value& self, Arguments arguments) {
  const MethodArguments args("expandtabs", arguments);
  GS_TRY_VOID(args.expect(0, 1, {"tabsize"}));
  GS_TRY(const std::int64_t width, args.integer(0, 8, "tabsize"));
  std::string out;
  std::int64_t column = 0;
  for (const char c : self.as_string()) {
    if (c == '\t' && width > 0) {
      const std::int64_t spaces = width - column % width;
      out.append(static_cast<std::size_t>(spaces), ' ');
      column += spaces;
    } else if (c != '\t') {
      out += c;
      column = c == '\n' || c == '\r'
                   ? 0
                   : column + ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0);
    }
  }
  return Value(std::move(out));
}

template <bool (*Holds)(char32_t)>
Result<Value> all_are(Render&, const Value& self, Arguments arguments) {
  GS_TRY_VOID(MethodArguments("this method", arguments).expect(0, 0));
  const std::string& text = self.as_string();
  for (std::size_t at = 0; at < text.size();) {
    if (!Holds(read_code_point(text, at))) return Value(false);
  }
  return Value(!text.empty());
}

bool alnum_point(char32_t c) { return is_alpha_point(c) || is_digit_point(c); }

template <bool wants_upper>
Result<Value> is_case(Render&, const Value& self, Arguments) {
  bool any = false;
  const std::string& text = self.as_string();
  for (std::size_t at = 0; at < text.size();) {
    const char32_t point = read_code_point(text, at);
    if (wants_upper ? is_lower_point(point) : is_upper_point(point)) return Value(false);
    any = any || (wants_upper ? is_upper_point(point) : is_lower_point(point));
  }
  return Value(any);
}

Result<Value> is_title(Render&, const Value& self, Arguments) {
  const std::string& text = self.as_string();
  return Value(!text.empty() && text == title(text) && lower(text) != text);
}

Result<Value> is_ascii_text(Render&, const Value& self, Arguments) {
  return Value(is_ascii(self.as_string()));
}

Result<Value> is_identifier(Render&, const Value& self, Arguments) {
  const std::string& text = self.as_string();
  if (text.empty() || is_digit_point(static_cast<unsigned char>(text[0]))) return Value(false);
  for (std::size_t at = 0; at < text.size();) {
    const char32_t point = read_code_point(text, at);
    if (!alnum_point(point) && point != '_') return Value(false);
  }
  return Value(true);
}

// Bytes have no type of their own here: the text itself stands for its UTF-8.
Result<Value> same(Render&, const Value& self, Arguments) { return self; }

constexpr MethodRow kRows[] = {
    {"split", split<false>},
    {"rsplit", split<true>},
    {"format", format},
    {"join", join},
    {"startswith", begins<false>},
    {"endswith", begins<true>},
    {"strip", stripped<Side::both>},
    {"lstrip", stripped<Side::left>},
    {"rstrip", stripped<Side::right>},
    {"replace", replace},
    {"lower", change<lower>},
    {"upper", change<upper>},
    {"casefold", change<case_folded>},
    {"capitalize", change<capitalize>},
    {"title", change<title>},
    {"swapcase", change<swap_case>},
    {"find", find<false, false>},
    {"rfind", find<true, false>},
    {"index", find<false, true>},
    {"rindex", find<true, true>},
    {"count", count},
    {"splitlines", splitlines},
    {"partition", partition<false>},
    {"rpartition", partition<true>},
    {"ljust", padded<Pad::left>},
    {"rjust", padded<Pad::right>},
    {"center", padded<Pad::centre>},
    {"zfill", zfill},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"expandtabs", expand_tabs},
    {"isdigit", all_are<is_digit_point>},
    {"isdecimal", all_are<is_digit_point>},
    {"isnumeric", all_are<is_digit_point>},
    {"isalpha", all_are<is_alpha_point>},
    {"isalnum", all_are<alnum_point>},
    {"isspace", all_are<is_space_point>},
    {"islower", is_case<false>},
    {"isupper", is_case<true>},
    {"istitle", is_title},
    {"isascii", is_ascii_text},
    {"isidentifier", is_identifier},
    {"encode", same},
    {"decode", same},
};

}  // namespace

const MethodRow* find_string_method(std::string_view name) {
  const auto* found = std::find_if(
      std::begin(kRows), std::end(kRows), [&](const MethodRow& row) { return row.name == name; });
  return found == std::end(kRows) ? nullptr : found;
}

}  // namespace gpustack::jinja
