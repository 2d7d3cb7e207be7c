#include "modules/sdk/system.hpp"

namespace gpustack::modules {

Content Content::of(std::string text) {
  Content content;
  content.sha256 = hash_bytes(Algorithm::sha256, text);
  content.size = text.size();
  content.bytes = std::move(text);
  return content;
}

Result<Content> Content::from_value(const Value& value) {
  if (value.is_string()) return of(value.as_string());
  const Value& hash = value.get("sha256");
  const Value& size = value.get("size");
  if (!hash.is_string() || hash.as_string().size() != 64 || !size.is_integer() ||
      size.as_integer() < 0) {
    return Error(ErrorCode::content_missing,
                 "a content needs sha256 and size, found " + to_repr(value));
  }
  Content content;
  content.sha256 = hash.as_string();
  content.size = static_cast<std::uint64_t>(size.as_integer());
  const Value& bytes = value.get("bytes");
  content.is_inline = bytes.is_string();
  if (content.is_inline) {
    content.bytes = bytes.as_string();
    if (content.bytes.size() != content.size ||
        hash_bytes(Algorithm::sha256, content.bytes) != content.sha256) {
      return Error(ErrorCode::content_missing, "a content does not match its own sha256");
    }
  }
  return content;
}

Value Content::to_value() const {
  Value out{Map()};
  out.set("sha256", Value(sha256));
  out.set("size", Value(size));
  if (is_inline) out.set("bytes", Value(bytes));
  return out;
}

Result<Digests> SystemView::digests(const std::string& path) const {
  Digests out;
  GS_TRY(out.sha256, hash(path, Algorithm::sha256));
  GS_TRY(out.sha1, hash(path, Algorithm::sha1));
  GS_TRY(out.md5, hash(path, Algorithm::md5));
  return out;
}

}  // namespace gpustack::modules
