// urlencode, urldecode, urlsplit, urlize, xmlattr
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/number.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace gpustack::jinja {

namespace {

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-' || c == '~';
}

std::string percent_encode(std::string_view text, bool for_query) {
  std::string out;
  for (const char c : text) {
    if (unreserved(c) || (c == '/' && !for_query)) {
      out += c;
    } else if (c == ' ' && for_query) {
      out += '+';
    } else {
      std::array<char, 4> buffer{};
      std::snprintf(buffer.data(),
                    buffer.size(),
                    "%%%02X",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += buffer.data();
    }
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  const auto hex = [](char c) {
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
  };
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size() && hex(text[at + 1]) >= 0 &&
        hex(text[at + 2]) >= 0) {
      out += static_cast<char>(hex(text[at + 1]) * 16 + hex(text[at + 2]));
      at += 2;
    } else {
      out += text[at] == '+' ? ' ' : text[at];
    }
  }
  return out;
}

Result<Value> url_encode(Invocation& call) {
  if (!call.input.is_map() && !call.input.is_list()) {
    GS_TRY(const std::string text, call.input_text());
    return Value(percent_encode(text, false));
  }
  List pairs;
  if (call.input.is_map()) {
    for (const auto& [key, value] : call.input.as_map()) pairs.push_back(Value::list({key, value}));
  } else {
    pairs = call.input.as_list();
  }
  std::string out;
  for (const Value& pair : pairs) {
    if (!pair.is_list() || pair.size() != 2)
      return call.fail("needs pairs of key and value, found " + to_repr(pair));
    GS_TRY(const std::string key, text_of(pair.as_list()[0]));
    GS_TRY(const std::string value, text_of(pair.as_list()[1]));
    if (!out.empty()) out += '&';
    out += percent_encode(key, true) + "=" + percent_encode(value, true);
  }
  return Value(std::move(out));
}

Result<Value> url_decode(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  return Value(percent_decode(text));
}

Result<Value> url_split(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string wanted, call.text(0));
  std::string_view rest = text;
  std::string scheme;
  const std::size_t colon = rest.find(':');
  if (colon != std::string_view::npos && colon > 0 &&
      is_alpha_point(static_cast<unsigned char>(rest[0])) &&
      std::all_of(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
        return unreserved(c) || c == '+';
      })) {
    scheme = lower(rest.substr(0, colon));
    rest.remove_prefix(colon + 1);
  }
  std::string host_part;
  if (rest.starts_with("//")) {
    const std::size_t end = std::min(rest.find_first_of("/?#", 2), rest.size());
    host_part = rest.substr(2, end - 2);
    rest.remove_prefix(end);
  }
  const auto cut = [&](char mark) {
    const std::size_t at = rest.find(mark);
    if (at == std::string_view::npos) return std::string();
    std::string tail(rest.substr(at + 1));
    rest = rest.substr(0, at);
    return tail;
  };
  const std::string fragment = cut('#');
  const std::string query = cut('?');
  Value user;
  Value password;
  std::string host = host_part;
  if (const std::size_t at = host_part.rfind('@'); at != std::string::npos) {
    const std::string info = host_part.substr(0, at);
    host = host_part.substr(at + 1);
    const std::size_t separator = info.find(':');
    user = Value(info.substr(0, separator));
    if (separator != std::string::npos) password = Value(info.substr(separator + 1));
  }
  Value port;
  std::string name = host;
  const std::size_t bracket = host.find(']');
  const std::size_t port_at = host.find(':', bracket == std::string::npos ? 0 : bracket);
  if (port_at != std::string::npos) {
    name = host.substr(0, port_at);
    const std::string digits = host.substr(port_at + 1);
    if (!digits.empty()) {
      const auto number = parse_integer(digits);
      if (!number || *number < 0 || *number > 65535)
        return call.fail("found the bad port '" + digits + "' in '" + text + "'");
      port = Value(*number);
    }
  }
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  const Value host_name = name.empty() ? Value() : Value(lower(name));
  const Map parts{{"fragment", fragment},
                  {"hostname", host_name},
                  {"netloc", host_part},
                  {"password", password},
                  {"path", rest},
                  {"port", port},
                  {"query", query},
                  {"scheme", scheme},
                  {"username", user}};
  if (wanted.empty()) return Value(parts);
  const Value* found = parts.find(wanted);
  if (found == nullptr) return call.fail("met an unknown URL component: " + wanted);
  return *found;
}

std::string html_escape(std::string_view text) {
  std::string out =
      replace_all(replace_all(replace_all(text, "&", "&amp;"), "<", "&lt;"), ">", "&gt;");
  return replace_all(replace_all(out, "'", "&#39;"), "\"", "&#34;");
}

Result<Value> urlize(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::int64_t limit, call.integer(0, -1));
  GS_TRY(const std::string target, call.text(2));
  GS_TRY(std::string rel, call.text(3));
  rel = call.flag(1) ? (rel.empty() ? "nofollow noopener" : "nofollow noopener " + rel)
                     : (rel.empty() ? "noopener" : "noopener " + rel);
  GS_TRY(const auto pattern, cached_pattern("(?:https?://|www\\.)[^\\s<>\"']*[^\\s<>\"'.,;:!?)]"));
  GS_TRY(const auto matches, pattern.find_all(text));
  std::string out;
  std::size_t done = 0;
  for (const regex::Match& match : matches) {
    out += html_escape(std::string_view(text).substr(done, match.begin() - done));
    const std::string found = text.substr(match.begin(), match.end() - match.begin());
    const std::string url = found.starts_with("www.") ? "https://" + found : found;
    std::string shown = found;
    if (limit >= 0 && static_cast<std::int64_t>(code_points(found)) > limit)
      shown = pick_code_points(found, 0, 1, limit) + "...";
    out += "<a href=\"" + html_escape(url) + "\" rel=\"" + html_escape(rel) + "\"";
    if (!target.empty()) out += " target=\"" + html_escape(target) + "\"";
    out += ">" + html_escape(shown) + "</a>";
    done = match.end();
  }
  out += html_escape(std::string_view(text).substr(done));
  return Value(std::move(out));
}

Result<Value> xml_attributes(Invocation& call) {
  if (!call.input.is_map()) return call.wrong_type("a dict", call.input);
  std::string out;
  for (const auto& [key, value] : call.input.as_map()) {
    if (value.is_null() || value.is_undefined()) continue;
    GS_TRY(const std::string name, text_of(key));
    GS_TRY(const std::string text, text_of(value));
    if (name.find_first_of(" \t\n\r\f\v/>=") != std::string::npos)
      return call.fail("found the bad attribute name '" + name + "'");
    if (!out.empty()) out += ' ';
    out += html_escape(name) + "=\"" + html_escape(text) + "\"";
  }
  if (call.flag(0, true) && !out.empty()) out.insert(0, " ");
  return Value(std::move(out));
}

constexpr FilterRow kRows[] = {
    {"urlencode", url_encode},
    {"urldecode", url_decode},
    {"urlsplit", url_split, "query"},
    {"urlize", urlize, "trim_url_limit nofollow target rel extra_schemes"},
    {"xmlattr", xml_attributes, "autospace"},
};

}  // namespace

FilterTable url_filters() { return kRows; }

}  // namespace gpustack::jinja
