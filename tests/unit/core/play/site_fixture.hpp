#pragma once
/// @file A site in a temporary folder, for tests of the loader.

#include "core/play/loader.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace gpustack::play {

class SiteTest : public ::testing::Test {
 protected:
  SiteTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "gpustack-play-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~SiteTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& path, const std::string& text) {
    const auto whole = folder_ / path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }

  /// Loads site.yml, which must be sound.
  const Site& load() {
    loader_ = std::make_unique<Loader>(options_);
    site_ = loader_->load({(folder_ / "site.yml").string()});
    for (const Error& error : loader_->findings().errors) ADD_FAILURE() << error.render();
    return *site_;
  }
  const Site& load(const std::string& site) {
    write("site.yml", site);
    return load();
  }
  /// The tasks of the first play, below `- hosts: all` / `tasks:`.
  const Block& load_tasks(const std::string& tasks) {
    std::string text = "- hosts: all\n  tasks:\n";
    std::size_t start = 0;
    while (start < tasks.size()) {
      const std::size_t end = std::min(tasks.find('\n', start), tasks.size());
      text += "    " + tasks.substr(start, end - start) + "\n";
      start = end + 1;
    }
    return *load(text).plays.at(0)->tasks;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Loader& loader() { return *loader_; }

  LoadOptions options_;

 private:
  std::filesystem::path folder_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<Site> site_;
};

inline const Task& task_at(const Block& block, std::size_t index) {
  return dynamic_cast<const Task&>(*block.tasks.at(index));
}
inline const Block& block_at(const Block& block, std::size_t index) {
  return dynamic_cast<const Block&>(*block.tasks.at(index));
}

}  // namespace gpustack::play
