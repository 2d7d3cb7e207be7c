// INI inventories, and the host patterns in their first line.
#include "inventory/inventory.hpp"
#include "tests/fuzz/target.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace gpustack;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One file for all inputs of the process: sources are read by their names.
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("inventory_fuzz." + std::to_string(::getpid())))
          .string();
  static const bool is_tidied = std::atexit([] { std::filesystem::remove(path); }) == 0;
  if (!is_tidied) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::ofstream(path, std::ios::binary) << text;
  inventory::Options options;
  options.enabled = {"ini"};
  const auto read = inventory::Inventory::load({path}, options);
  if (!read) return 0;
  for (const inventory::Host* host : read->hosts()) {
    if (const auto levels = read->variables(*host)) static_cast<void>(read->merged(*levels));
    static_cast<void>(read->group_names(*host));
  }
  static_cast<void>(read->select({text.substr(0, text.find('\n'))}));
  return 0;
}
