#include "core/base/shown_path.hpp"
#include "core/base/sources.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

namespace gpustack {

SourceFile::SourceFile(std::string path, std::string text)
    : path_(std::move(path)), text_(std::move(text)) {
  line_starts_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }
}

std::string_view SourceFile::line(std::uint32_t number) const {
  if (number == 0 || number > line_starts_.size()) return {};
  const std::size_t start = line_starts_[number - 1];
  std::size_t end = number < line_starts_.size() ? line_starts_[number] - 1 : text_.size();
  if (end > start && text_[end - 1] == '\r') --end;
  return std::string_view(text_).substr(start, end - start);
}

namespace {

struct Sources {
  std::mutex mutex;
  std::map<std::string, std::vector<std::unique_ptr<SourceFile>>, std::less<>> files;
  std::vector<const SourceFile*> in_order;
};

Sources& sources() {
  static Sources all;
  return all;
}

}  // namespace

const SourceFile* intern_source(std::string path, std::string text) {
  path = shown_path(path);
  Sources& all = sources();
  const std::lock_guard lock(all.mutex);
  auto& versions = all.files[path];
  for (const auto& version : versions) {
    if (version->text() == text) return version.get();
  }
  versions.push_back(std::make_unique<SourceFile>(std::move(path), std::move(text)));
  all.in_order.push_back(versions.back().get());
  return versions.back().get();
}

std::vector<const SourceFile*> sources_from(std::size_t first) {
  Sources& all = sources();
  const std::lock_guard lock(all.mutex);
  const auto skipped = static_cast<std::ptrdiff_t>(std::min(first, all.in_order.size()));
  return {all.in_order.begin() + skipped, all.in_order.end()};
}

std::string SourceSpan::text() const {
  if (file == nullptr) return {};
  if (line == 0) return file->path();
  return file->path() + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

SourceSpan Origin::at(std::string_view value, std::size_t offset, std::size_t length) const {
  SourceSpan result = span;
  result.length = static_cast<std::uint32_t>(std::max<std::size_t>(length, 1));
  if (!span.known()) return result;
  const auto head = value.substr(0, std::min(offset, value.size()));
  const auto lines = static_cast<std::uint32_t>(std::count(head.begin(), head.end(), '\n'));
  const auto last_break = head.rfind('\n');
  const auto tail = last_break == std::string_view::npos ? head : head.substr(last_break + 1);
  const auto column = static_cast<std::uint32_t>(code_points(tail));
  switch (style) {
    case ScalarStyle::literal:
    case ScalarStyle::folded:
      // The span is that of the indicator (`|`, `>`); the text begins on the next line.
      result.line = span.line + 1 + lines;
      result.column = indent + 1 + column;
      break;
    case ScalarStyle::single_quoted:
    case ScalarStyle::double_quoted:
      result.column = span.column + 1 + static_cast<std::uint32_t>(code_points(head));
      break;
    case ScalarStyle::plain:
      if (lines == 0) {
        result.column = span.column + column;
      } else {  // a file's own text (templates): lines count from the span
        result.line = span.line + lines;
        result.column = column + 1;
      }
      break;
  }
  return result;
}

}  // namespace gpustack
