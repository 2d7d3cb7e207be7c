#pragma once
/// @file Secret: text that must not linger in memory nor show up in output.

#include <string>
#include <string_view>

namespace gpustack {

/// Overwrites `text` in a way the compiler keeps, then empties it.
void wipe(std::string& text);

/// A password or passphrase. Locked in memory while the limits allow it, zeroed when it dies; has
/// no output operator.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text);
  Secret(const Secret& other);
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The text itself; a NUL follows it, so that C interfaces can take data().
  [[nodiscard]] std::string_view reveal() const { return {data_ == nullptr ? "" : data_, size_}; }
  [[nodiscard]] const char* c_str() const { return data_ == nullptr ? "" : data_; }

 private:
  void release();

  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gpustack
