#pragma once
/// @file A file of the host in memory.

#include "tests/support/memory_system.hpp"

namespace gpustack::test {

struct MemorySystem::Node {
  FileInfo info;
  std::string bytes;
  std::string target;
  std::string flags;

  void replace(std::string text) {
    bytes = std::move(text);
    info.size = bytes.size();
  }
  void append(const std::string& text) { replace(bytes + text); }
};

}  // namespace gpustack::test
