#pragma once
/// @file A folder of inventory files for tests.

#include "core/base/json.hpp"
#include "inventory/inventory.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace gpustack::inventory {

class Fleet {
 public:
  Fleet() {
    std::string pattern = std::filesystem::temp_directory_path() / "gpustack-inventory-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Fleet() { std::filesystem::remove_all(folder_); }
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
    ::chmod(path(name).c_str(), mode);
    return path(name);
  }

  /// An inventory of one file.
  Inventory read(const std::string& name, const std::string& text) const {
    return load({write(name, text)});
  }

  Inventory load(const std::vector<std::string>& sources, Options options = {}) const {
    auto inventory = Inventory::load(sources, std::move(options));
    EXPECT_TRUE(inventory.has_value()) << inventory.error().render();
    return inventory ? std::move(*inventory) : Inventory();
  }

  Error refused(const std::string& name, const std::string& text) const {
    auto inventory = Inventory::load({write(name, text)});
    EXPECT_FALSE(inventory.has_value()) << "accepted: " << text;
    return inventory ? Error(ErrorCode::bug, "accepted") : inventory.error();
  }

  /// An error's place without the folder.
  std::string place(const Error& error) const {
    const std::string text = error.span().text();
    return text.starts_with(folder_ + "/") ? text.substr(folder_.size() + 1) : text;
  }

 private:
  std::string folder_;
};

inline std::string names(const std::vector<const Host*>& hosts) {
  std::string out;
  for (const Host* host : hosts) out += (out.empty() ? "" : " ") + host->name();
  return out;
}

/// The hosts of a pattern, or the error's message.
inline std::string selected(const Inventory& inventory,
                            const std::string& pattern,
                            const std::vector<std::string>& limits = {}) {
  auto selection = inventory.select({pattern}, limits);
  return selection ? names(selection->hosts) : selection.error().message();
}

/// One variable of a host as JSON; `-` when it has none.
inline std::string variable(const Inventory& inventory,
                            const std::string& host,
                            const std::string& name,
                            const std::vector<std::string>& playbook_folders = {}) {
  auto levels = inventory.variables(*inventory.find_host(host), playbook_folders);
  if (!levels) return levels.error().message();
  const Map merged = inventory.merged(*levels);
  const Value* value = merged.find(std::string_view(name));
  return value == nullptr ? "-" : to_json(*value);
}

}  // namespace gpustack::inventory
