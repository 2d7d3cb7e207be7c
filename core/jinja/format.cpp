#include "core/jinja/format.hpp"

#include "core/jinja/format_spec.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/text.hpp"

#include <charconv>

namespace gpustack::jinja {

namespace {

class BraceFormatter {
 public:
  BraceFormatter(const CallArguments& arguments, const MemberReader& member)
      : arguments_(arguments), member_(member) {}

  Result<std::string> format(std::string_view text, int depth) {
    if (depth > 2) return format_error("format specifiers are nested too deeply");
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      const bool doubled = at + 1 < text.size() && text[at + 1] == c;
      if ((c == '{' || c == '}') && doubled) {
        out += c;
        ++at;
      } else if (c == '}') {
        return format_error("single '}' in format string '" + std::string(text) + "'");
      } else if (c != '{') {
        out += c;
      } else {
        std::size_t end = at + 1;
        for (int open = 1; end < text.size(); ++end) {
          if (text[end] == '{') ++open;
          if (text[end] == '}' && --open == 0) break;
        }
        if (end >= text.size())
          return format_error("'{' in format string '" + std::string(text) + "' has no '}'");
        GS_TRY(const std::string piece, field(text.substr(at + 1, end - at - 1), depth));
        out += piece;
        at = end;
      }
    }
    return out;
  }

 private:
  Result<std::string> field(std::string_view text, int depth) {
    std::size_t name_end = 0;
    for (int brackets = 0; name_end < text.size(); ++name_end) {
      if (text[name_end] == '[') ++brackets;
      if (text[name_end] == ']') --brackets;
      if (brackets == 0 && (text[name_end] == ':' || text[name_end] == '!')) break;
    }
    std::string_view rest = text.substr(name_end);
    GS_TRY(Value value, lookup(text.substr(0, name_end)));
    if (value.is_undefined()) return undefined_value_error(value);
    if (rest.starts_with('!') && rest.size() > 1) {
      if (rest[1] == 'r' || rest[1] == 'a') {
        value = Value(to_repr(value));
      } else if (rest[1] == 's') {
        GS_TRY(std::string plain, text_of(value));
        value = Value(std::move(plain));
      } else {
        return format_error(std::string("unknown conversion '!") + rest[1] + "'");
      }
      rest.remove_prefix(2);
    }
    if (rest.starts_with(':')) {
      rest.remove_prefix(1);
      GS_TRY(const std::string spec, format(rest, depth + 1));
      return format_value(value, spec);
    }
    return format_value(value, {});
  }

  Result<Value> lookup(std::string_view name) {
    std::size_t end = name.find_first_of(".[");
    if (end == std::string_view::npos) end = name.size();
    const std::string_view first = name.substr(0, end);
    Value value;
    std::size_t index = 0;
    const auto number = std::from_chars(first.data(), first.data() + first.size(), index);
    if (first.empty() || (number.ec == std::errc() && number.ptr == first.data() + first.size())) {
      if (first.empty()) index = automatic_++;
      if (index >= arguments_.positional.size()) {
        return format_error("format() has no argument number " + std::to_string(index));
      }
      value = arguments_.positional[index];
    } else {
      const Value* found = arguments_.named.find(first);
      if (found == nullptr)
        return format_error("format() has no argument '" + std::string(first) + "'");
      value = *found;
    }
    while (end < name.size()) {
      Value key;
      if (name[end] == '.') {
        const std::size_t next = std::min(name.find_first_of(".[", end + 1), name.size());
        key = Value(name.substr(end + 1, next - end - 1));
        end = next;
      } else {
        const std::size_t close = name.find(']', end);
        if (close == std::string_view::npos)
          return format_error("missing ']' in format field '" + std::string(name) + "'");
        const std::string_view inner = name.substr(end + 1, close - end - 1);
        std::int64_t position = 0;
        const auto done = std::from_chars(inner.data(), inner.data() + inner.size(), position);
        key = done.ec == std::errc() && done.ptr == inner.data() + inner.size() ? Value(position)
                                                                                : Value(inner);
        end = close + 1;
      }
      GS_TRY(value, member_(value, key));
      if (value.is_undefined()) return undefined_value_error(value);
    }
    return value;
  }

  const CallArguments& arguments_;
  const MemberReader& member_;
  std::size_t automatic_ = 0;
};

}  // namespace

Result<std::string> brace_format(std::string_view format,
                                 const CallArguments& arguments,
                                 const MemberReader& member) {
  return BraceFormatter(arguments, member).format(format, 0);
}

}  // namespace gpustack::jinja
