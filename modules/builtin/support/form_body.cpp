#include "modules/builtin/support/form_body.hpp"

#include "modules/sdk/base64.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace gpustack::modules {

namespace {

constexpr std::size_t kLineOfBase64 = 76;
constexpr std::string_view kNoKind = "application/octet-stream";
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kKinds = {{
    {".css", "text/css"},          {".csv", "text/csv"},
    {".gif", "image/gif"},         {".htm", "text/html"},
    {".html", "text/html"},        {".jpeg", "image/jpeg"},
    {".jpg", "image/jpeg"},        {".js", "application/javascript"},
    {".json", "application/json"}, {".md", "text/markdown"},
    {".mp4", "video/mp4"},         {".pdf", "application/pdf"},
    {".png", "image/png"},         {".py", "text/x-python"},
    {".sh", "application/x-sh"},   {".svg", "image/svg+xml"},
    {".tar", "application/x-tar"}, {".txt", "text/plain"},
    {".xml", "text/xml"},          {".zip", "application/zip"},
}};

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-' || c == '~';
}

std::string percent_encode(std::string_view text, std::string_view blank) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain(c)) {
      out += c;
    } else if (c == ' ') {
      out += blank;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

void add_pair(std::string& out, const Value& key, const Value& value) {
  if (value.is_null()) return;
  if (!out.empty()) out += '&';
  out += percent_encode(to_text(key), "+") + "=" + percent_encode(to_text(value), "+");
}

void add_values(std::string& out, const Value& key, const Value& values) {
  if (values.is_list()) {
    for (const Value& value : values.as_list()) add_pair(out, key, value);
  } else if (values.is_map()) {
    for (const auto& [name, value] : values.as_map()) add_pair(out, key, name);
  } else {
    add_pair(out, key, values);
  }
}

/// `; name="value"`, or its form for what is beyond ASCII.
std::string parameter(const std::string& name, const std::string& value) {
  const bool is_ascii =
      std::ranges::all_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (!is_ascii) return "; " + name + "*=utf-8''" + percent_encode(value, "%20");
  return "; " + name + "=\"" + replace_all(replace_all(value, "\\", "\\\\"), "\"", "\\\"") + "\"";
}

std::string kind_of_file(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return std::string(kNoKind);
  const std::string end = lower(name.substr(dot));
  const auto found =
      std::ranges::find(kKinds, end, &std::pair<std::string_view, std::string_view>::first);
  return std::string(found == kKinds.end() ? kNoKind : found->second);
}

std::string base64_lines(std::string_view bytes) {
  const std::string text = base64(bytes);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += kLineOfBase64)
    out += text.substr(at, kLineOfBase64) + "\r\n";
  return out;
}

/// Every end of line as a mail has it.
std::string with_mail_lines(std::string_view text) {
  return replace_all(replace_all(replace_all(text, "\r\n", "\n"), "\r", "\n"), "\n", "\r\n");
}

Result<void> check_one_line(const std::string& text, const std::string& field) {
  if (text.find_first_of("\r\n") == std::string::npos) return {};
  return Error(ErrorCode::invalid_argument,
               "the field '" + field + "' of body has a line end where none may be");
}

/// Header and content of one field.
Result<std::string> part(const Value& field, const Value& value, const SystemView& view) {
  const std::string name = to_text(field);
  GS_TRY_VOID(check_one_line(name, name));
  const std::string disposition = "Content-Disposition: form-data" + parameter("name", name);
  if (value.is_string()) {
    return "Content-Type: text/plain\r\n" + disposition + "\r\n\r\n" +
           with_mail_lines(value.as_string());
  }
  if (!value.is_map()) {
    return Error(ErrorCode::invalid_argument,
                 "the field '" + name + "' of body is of type " + std::string(type_name(value)) +
                     ", expected text or a mapping with filename or content");
  }
  const Value& content = value.get("content");
  const std::string file = value.get("filename").truthy() ? to_text(value.get("filename")) : "";
  if (!content.truthy() && file.empty()) {
    return Error(ErrorCode::invalid_argument,
                 "the field '" + name + "' of body needs filename or content");
  }
  std::string head =
      value.get("mime_type").truthy() ? to_text(value.get("mime_type")) : kind_of_file(file);
  GS_TRY_VOID(check_one_line(head, name));
  GS_TRY_VOID(check_one_line(file, name));
  head = "Content-Type: " + head + "\r\n" + disposition;
  if (!file.empty()) head += parameter("filename", std::string(base_name(file)));
  if (content.truthy()) return head + "\r\n\r\n" + with_mail_lines(to_text(content));
  std::string bytes;
  if (const Value* sent = value.find("_content"); sent != nullptr) {
    GS_TRY(const Content along, Content::from_value(*sent));
    GS_TRY(bytes, view.content(along));
  } else {
    GS_TRY(bytes, view.read(file));
  }
  return "Content-Transfer-Encoding: base64\r\n" + head + "\r\n\r\n" + base64_lines(bytes);
}

}  // namespace

Result<std::string> form_urlencoded(const Value& body) {
  if (body.is_string()) return body.as_string();
  std::string out;
  if (body.is_map()) {
    for (const auto& [key, values] : body.as_map()) add_values(out, key, values);
    return out;
  }
  if (!body.is_list()) {
    return Error(ErrorCode::invalid_argument,
                 "body is of type " + std::string(type_name(body)) +
                     ", expected a mapping or a list of pairs for form-urlencoded");
  }
  for (const Value& pair : body.as_list()) {
    if (!pair.is_list() || pair.size() != 2) {
      return Error(ErrorCode::invalid_argument,
                   "body has the item '" + to_text(pair) +
                       "', expected pairs of name and value for form-urlencoded");
    }
    add_values(out, pair.as_list()[0], pair.as_list()[1]);
  }
  return out;
}

Result<MultipartBody> multipart_body(const Value& fields,
                                     const SystemView& view,
                                     const std::string& boundary) {
  if (!fields.is_map()) {
    return Error(ErrorCode::invalid_argument,
                 "body is of type " + std::string(type_name(fields)) +
                     ", expected a mapping for form-multipart");
  }
  std::vector<std::pair<std::string, const Map::Entry*>> sorted;
  for (const Map::Entry& entry : fields.as_map()) sorted.emplace_back(to_text(entry.key), &entry);
  std::ranges::sort(sorted);
  MultipartBody out;
  out.content_type = "multipart/form-data; boundary=\"" + boundary + "\"";
  for (const auto& [name, entry] : sorted) {
    GS_TRY(const std::string text, part(entry->key, entry->value, view));
    out.bytes.append("--").append(boundary).append("\r\n").append(text).append("\r\n");
  }
  out.bytes += "--" + boundary + "--\r\n";
  return out;
}

}  // namespace gpustack::modules
