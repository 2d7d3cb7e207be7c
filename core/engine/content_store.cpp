#include "core/engine/target.hpp"
#include "modules/sdk/hash.hpp"

#include <filesystem>
#include <fstream>

namespace gpustack::engine {

namespace fs = std::filesystem;

namespace {

// Up to this size the bytes ride in the task's own frame: a round trip costs more.
constexpr std::uint64_t kInlineLimit = 16U << 10U;

}  // namespace

modules::Content ContentStore::add_text(std::string text) {
  modules::Content content = modules::Content::of(std::move(text));
  if (content.size > kInlineLimit) {
    entries_.insert_or_assign(content.sha256, Entry{std::move(content.bytes), {}, content.size});
    content.bytes.clear();
    content.is_inline = false;
  }
  return content;
}

Result<modules::Content> ContentStore::add_file(const std::string& path) {
  std::error_code problem;
  const auto size = fs::file_size(path, problem);
  if (problem)
    return Error(ErrorCode::file_not_found, "'" + path + "' cannot be read: " + problem.message());
  const auto modified = fs::last_write_time(path, problem).time_since_epoch().count();
  modules::Content content;
  content.size = size;
  content.is_inline = false;
  const auto known = stamps_.find(path);
  if (known != stamps_.end() && known->second.size == size && known->second.modified == modified) {
    content.sha256 = known->second.sha256;
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error(ErrorCode::file_unreadable, "'" + path + "' cannot be opened");
    modules::Hasher hasher(modules::Algorithm::sha256);
    std::string buffer(1U << 20U, '\0');
    while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) ||
           file.gcount() > 0) {
      hasher.update(std::string_view(buffer.data(), static_cast<std::size_t>(file.gcount())));
    }
    content.sha256 = hasher.finish();
    stamps_.insert_or_assign(path, FileStamp{content.sha256, size, modified});
  }
  entries_.insert_or_assign(content.sha256, Entry{{}, path, size});
  if (size <= kInlineLimit) {
    GS_TRY(content.bytes, read(content.sha256, 0, kInlineLimit));
    content.is_inline = true;
  }
  return content;
}

Result<std::string> ContentStore::read(const std::string& sha256,
                                       std::uint64_t offset,
                                       std::size_t limit) const {
  const auto found = entries_.find(sha256);
  if (found == entries_.end())
    return Error(ErrorCode::content_missing, "no content with hash " + sha256);
  const Entry& entry = found->second;
  if (entry.path.empty())
    return entry.text.substr(std::min<std::uint64_t>(offset, entry.text.size()), limit);
  std::ifstream file(entry.path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  std::string bytes(limit, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(limit));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return bytes;
}

std::uint64_t ContentStore::size(const std::string& sha256) const {
  const auto found = entries_.find(sha256);
  return found == entries_.end() ? 0 : found->second.size;
}

}  // namespace gpustack::engine
