#pragma once
/// @file Text that grows while a template runs; what is short never leaves the stack.

#include "core/base/short_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace gpustack::jinja {

/// A text whose storage is a whole number of pieces, so that its last bytes may be read with some
/// that mean nothing.
struct PiecedText {
  static constexpr std::size_t kPiece = 16;
  const char* data = nullptr;
  std::size_t size = 0;
};

class TextBuffer {
 public:
  TextBuffer() = default;
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;
  ~TextBuffer() = default;

  void append(std::string_view text) {
    char* to = room(text.size());
    copy_text(to, text);
    size_ += text.size();
  }
  /// What lies in pieces (see PiecedText) is copied by pieces while it is short.
  void append(const PiecedText& text) {
    constexpr std::size_t kPiece = PiecedText::kPiece;
    if (text.size > 2 * kPiece) {
      append(std::string_view(text.data, text.size));
      return;
    }
    char* to = room(2 * kPiece);
    std::memcpy(to, text.data, kPiece);
    if (text.size > kPiece) std::memcpy(to + kPiece, text.data + kPiece, kPiece);
    size_ += text.size;
  }
  void append(std::int64_t number) {
    constexpr std::size_t kMostDigits = 20;
    char* to = room(kMostDigits);
    if (number >= 0 && number < 10) {
      *to = static_cast<char>('0' + number);
      ++size_;
      return;
    }
    size_ += static_cast<std::size_t>(std::to_chars(to, to + kMostDigits, number).ptr - to);
  }
  /// Adds each byte as `change` has it.
  template <typename Change>
  void append_changed(std::string_view text, Change change) {
    std::transform(text.begin(), text.end(), room(text.size()), change);
    size_ += text.size();
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {begin_, size_}; }

 private:
  /// Where the next `more` bytes go.
  char* room(std::size_t more) {
    if (more > capacity_ - size_) [[unlikely]]
      grow(more);
    return begin_ + size_;
  }
  void grow(std::size_t more) {
    const std::size_t capacity = std::max(capacity_ * 2, size_ + more);
    // Not make_unique: every byte is written before it is read.
    std::unique_ptr<char[]> larger(new char[capacity]);
    std::memcpy(larger.get(), begin_, size_);
    heap_ = std::move(larger);
    begin_ = heap_.get();
    capacity_ = capacity;
  }

  std::array<char, 512> own_;
  std::unique_ptr<char[]> heap_;
  char* begin_ = own_.data();
  std::size_t size_ = 0;
  std::size_t capacity_ = own_.size();
};

}  // namespace gpustack::jinja
