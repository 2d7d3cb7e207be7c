#pragma once
/// @file The built runner as a real process over pipes, with a home and state of its own.

#include "tests/support/runner_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace gpustack::test {

namespace fs = std::filesystem;

class Runner : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/gpustack-runner-test-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    fs::create_directory(folder_ + "/home");
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] RunnerProcess::Options options(std::vector<std::string> arguments = {
                                                   "serve"}) const {
    return RunnerProcess::Options{.arguments = std::move(arguments),
                                  .environment = {"HOME=" + path("home"),
                                                  "GPUSTACK_RUNTIME_DIR=" + path("run"),
                                                  "GPUSTACK_STATE_DIR=" + path("state")},
                                  .program = {}};
  }
  static Value shell(const std::string& script) { return Value::map({{"_raw_params", script}}); }
  static std::string text_of(const std::string& file) {
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  [[nodiscard]] std::size_t temporary_folders() const {
    const std::string base = path("home/.cache/gpustack");
    if (!fs::exists(base)) return 0;
    return static_cast<std::size_t>(std::count_if(
        fs::directory_iterator(base), fs::directory_iterator(), [](const auto& entry) {
          return entry.path().filename().string().starts_with("tmp-");
        }));
  }

  std::string folder_;
};

}  // namespace gpustack::test
