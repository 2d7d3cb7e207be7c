/// Loads each folder beside this file as a site and compares what lint says with its expect.txt.
/// GPUSTACK_ACCEPT=1 rewrites the expectations.
#include "core/play/lint.hpp"
#include "core/play/loader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gpustack::play {
namespace {

namespace fs = std::filesystem;

fs::path cases_folder() {
  const char* source = std::getenv("GPUSTACK_SOURCE_DIR");
  return fs::path(source == nullptr ? "." : source) / "tests/golden/errors";
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(cases_folder())) {
    if (fs::exists(entry.path() / "site.yml")) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Paths in messages are relative to the folder the program stands in.
class Inside {
 public:
  explicit Inside(const fs::path& folder) : before_(fs::current_path()) {
    fs::current_path(folder);
  }
  ~Inside() { fs::current_path(before_); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  fs::path before_;
};

std::string everything_found(const fs::path& folder) {
  const Inside inside(folder);
  Loader loader(LoadOptions{});
  const auto site = loader.load({"site.yml"});
  const auto followed = loader.follow_includes(*site);
  Findings findings = loader.findings();
  jinja::Environment environment;
  check_templates(*site, environment, findings);
  for (const Node* node : followed) check_templates(*node, environment, findings);
  std::string out;
  for (const Error& error : findings.errors) out += error.render() + "\n";
  for (const yaml::Warning& warning : findings.warnings) {
    out += "warning: " + warning.message +
           (warning.span.file == nullptr ? "" : " (" + warning.span.text() + ")") + "\n";
  }
  if (out.empty()) out = "nothing found\n";
  return out;
}

class ErrorGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(ErrorGolden, ReadsAsExpected) {
  const fs::path folder = cases_folder() / GetParam();

  const std::string found = everything_found(folder);

  if (std::getenv("GPUSTACK_ACCEPT") != nullptr) {
    std::ofstream(folder / "expect.txt") << found;
    GTEST_SKIP() << "expectation rewritten";
  }
  EXPECT_EQ(found, read_text(folder / "expect.txt"));
}

INSTANTIATE_TEST_SUITE_P(Cases,
                         ErrorGolden,
                         ::testing::ValuesIn(case_names()),
                         [](const auto& one) { return one.param; });

TEST(ErrorGoldenCases, AreThere) { EXPECT_GE(case_names().size(), 25U); }

}  // namespace
}  // namespace gpustack::play
