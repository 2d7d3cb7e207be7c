#pragma once
/// @file Digests, whole and piece by piece.

#include "modules/sdk/system.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace gpustack::modules {

/// A digest over bytes that arrive in pieces.
class Hasher {
 public:
  explicit Hasher(Algorithm algorithm);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(std::string_view bytes);
  /// Lower-case hex of everything so far; the hasher is then spent.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gpustack::modules
