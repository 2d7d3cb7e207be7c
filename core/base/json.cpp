#include "core/base/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace gpustack {

namespace {

constexpr std::size_t kMaxDepth = 200;
constexpr std::size_t kMaxItems = 4'000'000;

/// Builds a Value from nlohmann's SAX events; sizes that the input claims are ignored.
class Builder {
 public:
  using number_integer_t = std::int64_t;
  using number_unsigned_t = std::uint64_t;
  using number_float_t = double;
  using string_t = std::string;
  using binary_t = nlohmann::json::binary_t;

  bool null() { return add(Value()); }
  bool boolean(bool value) { return add(Value(value)); }
  bool number_integer(std::int64_t value) { return add(Value(value)); }
  bool number_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(INT64_MAX))
      return add(Value(static_cast<double>(value)));
    return add(Value(static_cast<std::int64_t>(value)));
  }
  bool number_float(double value, const std::string& /*text*/) { return add(Value(value)); }
  bool string(std::string& value) { return add(Value(std::move(value))); }
  bool binary(binary_t& value) { return add(Value(std::string(value.begin(), value.end()))); }
  bool start_object(std::size_t /*size*/) { return open(Value(Map())); }
  bool end_object() { return close(); }
  bool start_array(std::size_t /*size*/) { return open(Value(List())); }
  bool end_array() { return close(); }
  bool key(std::string& value) {
    stack_.back().key = std::move(value);
    return true;
  }
  bool parse_error(std::size_t position,
                   const std::string& /*token*/,
                   const nlohmann::json::exception& error) {
    if (problem_.empty()) {
      std::string what = error.what();
      if (const auto colon = what.find(": "); colon != std::string::npos) what.erase(0, colon + 2);
      problem_ = what + " (byte " + std::to_string(position) + ")";
    }
    return false;
  }

  Value take() { return std::move(root_); }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  struct Frame {
    Value value;
    std::string key;
  };

  bool fail(std::string why) {
    problem_ = std::move(why);
    return false;
  }
  bool open(Value container) {
    if (stack_.size() >= kMaxDepth) return fail("nested deeper than " + std::to_string(kMaxDepth));
    stack_.push_back(Frame{std::move(container), {}});
    return true;
  }
  bool close() {
    Value done = std::move(stack_.back().value);
    stack_.pop_back();
    return add(std::move(done));
  }
  bool add(Value value) {
    if (++items_ > kMaxItems) return fail("more than " + std::to_string(kMaxItems) + " items");
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (stack_.back().value.is_list()) {
      stack_.back().value.mutable_list().push_back(std::move(value));
    } else {
      stack_.back().value.mutable_map().set(Value(stack_.back().key), std::move(value));
    }
    return true;
  }

  std::vector<Frame> stack_;
  Value root_;
  std::string problem_;
  std::size_t items_ = 0;
};

void append_unicode_escape(std::string& out, std::uint32_t unit) {
  std::array<char, 12> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "\\u%04x", unit);
  out += buffer.data();
}

// Decodes one code point at `i` and moves past it; an ill-formed byte reads as U+FFFD.
std::uint32_t next_code_point(std::string_view text, std::size_t& i) {
  const auto lead = static_cast<unsigned char>(text[i]);
  std::size_t length = 1;
  std::uint32_t code = lead;
  if (lead >= 0xF0) {
    length = 4;
    code = lead & 0x07U;
  } else if (lead >= 0xE0) {
    length = 3;
    code = lead & 0x0FU;
  } else if (lead >= 0xC0) {
    length = 2;
    code = lead & 0x1FU;
  } else if (lead >= 0x80) {
    ++i;
    return 0xFFFD;
  }
  if (i + length > text.size()) {
    ++i;
    return 0xFFFD;
  }
  for (std::size_t k = 1; k < length; ++k) {
    const auto next = static_cast<unsigned char>(text[i + k]);
    if ((next & 0xC0U) != 0x80U) {
      ++i;
      return 0xFFFD;
    }
    code = (code << 6U) | (next & 0x3FU);
  }
  i += length;
  return code;
}

void append_string(std::string& out, std::string_view text, bool ensure_ascii) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      ++i;
      switch (c) {
        case '"':
          out += "\\\"";
          break;
        case '\\':
          out += "\\\\";
          break;
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        case '\b':
          out += "\\b";
          break;
        case '\f':
          out += "\\f";
          break;
        default:
          if (byte < 0x20) {
            append_unicode_escape(out, byte);
          } else {
            out += c;
          }
      }
      continue;
    }
    const std::size_t start = i;
    const std::uint32_t code = next_code_point(text, i);
    if (!ensure_ascii) {
      if (code == 0xFFFD && i - start == 1) {
        out += "\xEF\xBF\xBD";
      } else {
        out += text.substr(start, i - start);
      }
    } else if (code >= 0x10000) {
      append_unicode_escape(out, 0xD800U + ((code - 0x10000U) >> 10U));
      append_unicode_escape(out, 0xDC00U + ((code - 0x10000U) & 0x3FFU));
    } else {
      append_unicode_escape(out, code);
    }
  }
  out += '"';
}

class Writer {
 public:
  explicit Writer(const JsonStyle& style) : style_(style) {}

  void write(const Value& value, int depth) {
    if (style_.redact_secrets && value.is_secret()) {
      out_ += "\"<secret>\"";
      return;
    }
    switch (value.kind()) {
      case Kind::null:
      case Kind::undefined:
        out_ += "null";
        break;
      case Kind::boolean:
        out_ += value.as_bool() ? "true" : "false";
        break;
      case Kind::integer:
        out_ += std::to_string(value.as_integer());
        break;
      case Kind::real:
        write_real(value.as_real());
        break;
      case Kind::string:
        append_string(out_, value.as_string(), style_.ensure_ascii);
        break;
      case Kind::list:
        write_list(value.as_list(), depth);
        break;
      case Kind::map:
        write_map(value.as_map(), depth);
        break;
      case Kind::object:
        // A whole number beyond 64 bits is an object, and a number in JSON.
        if (value.as_object().type_name() == "int") {
          out_ += value.as_object().to_text();
        } else {
          append_string(out_, value.as_object().to_text(), style_.ensure_ascii);
        }
        break;
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void write_real(double number) {
    if (std::isnan(number)) {
      out_ += "NaN";
    } else if (std::isinf(number)) {
      out_ += number < 0 ? "-Infinity" : "Infinity";
    } else {
      out_ += real_text(number);
    }
  }

  void separator(bool first, int depth) {
    if (!first) out_ += style_.indent > 0 ? "," : ", ";
    if (style_.indent > 0) {
      out_ += '\n';
      out_.append(static_cast<std::size_t>(style_.indent) * static_cast<std::size_t>(depth), ' ');
    }
  }

  void write_list(const List& items, int depth) {
    if (items.empty()) {
      out_ += "[]";
      return;
    }
    out_ += '[';
    bool first = true;
    for (const Value& item : items) {
      separator(first, depth + 1);
      first = false;
      write(item, depth + 1);
    }
    close(']', depth);
  }

  void write_map(const Map& map, int depth) {
    if (map.empty()) {
      out_ += "{}";
      return;
    }
    std::vector<std::pair<std::string, const Value*>> entries;
    entries.reserve(map.size());
    for (const auto& [key, item] : map) entries.emplace_back(key_text(key), &item);
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
        return a.first < b.first;
      });
    }
    out_ += '{';
    bool first = true;
    for (const auto& [key, item] : entries) {
      separator(first, depth + 1);
      first = false;
      append_string(out_, key, style_.ensure_ascii);
      out_ += ": ";
      write(*item, depth + 1);
    }
    close('}', depth);
  }

  void close(char bracket, int depth) {
    if (style_.indent > 0) {
      out_ += '\n';
      out_.append(static_cast<std::size_t>(style_.indent) * static_cast<std::size_t>(depth), ' ');
    }
    out_ += bracket;
  }

  const JsonStyle& style_;
  std::string out_;
};

}  // namespace

std::string key_text(const Value& key) {
  if (key.is_null()) return "null";
  if (key.is_bool()) return key.as_bool() ? "true" : "false";
  return to_text(key);
}

Result<Value> parse_json(std::string_view text) {
  Builder builder;
  bool done = false;
  try {
    done = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  } catch (const std::exception& error) {
    return Error(ErrorCode::yaml_syntax, std::string("not JSON: ") + error.what());
  }
  if (!done) return Error(ErrorCode::yaml_syntax, "not JSON: " + builder.problem());
  return builder.take();
}

std::string to_json(const Value& value, const JsonStyle& style) {
  Writer writer(style);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace gpustack
