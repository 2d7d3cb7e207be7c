#include "core/base/secret.hpp"

#include <sys/mman.h>

#include <cstring>
#include <utility>

namespace gpustack {

void wipe(std::string& text) {
  explicit_bzero(text.data(), text.capacity());
  text.clear();
}

Secret::Secret(std::string_view text) : size_(text.size()) {
  if (text.empty()) return;
  data_ = new char[size_ + 1];
  mlock(data_, size_ + 1);  // best effort: the limit may be zero
  std::memcpy(data_, text.data(), size_);
  data_[size_] = '\0';
}

Secret::Secret(const Secret& other) : Secret(other.reveal()) {}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) *this = Secret(other);
  return *this;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() { release(); }

void Secret::release() {
  if (data_ == nullptr) return;
  explicit_bzero(data_, size_);
  // No munlock: the page may hold other secrets that are still in use.
  delete[] data_;
  data_ = nullptr;
  size_ = 0;
}

}  // namespace gpustack
