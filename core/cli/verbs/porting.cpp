#include "core/gpu/porting.hpp"

#include "core/base/json.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/gpu_verbs.hpp"
#include "core/cli/options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace gpustack::cli {

namespace {

namespace fs = std::filesystem;

/// Folders that hold what others wrote, or what was built.
constexpr std::string_view kLeftOut[] = {".git",
                                         ".hg",
                                         ".svn",
                                         ".tox",
                                         ".venv",
                                         "__pycache__",
                                         "node_modules",
                                         "third_party",
                                         "vendor",
                                         "venv"};
constexpr std::uintmax_t kLargest = 1U << 20U;

class PortingVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand("porting", "Find what keeps a source tree from aarch64");
    command_->require_subcommand(1);
    scan_ = command_->add_subcommand(
        "scan", "Look through Dockerfiles, requirements, go.mod, package.json, builds and scripts");
    scan_->add_option("path", paths_, "Files and folders")->required()->type_name("PATH");
    scan_->add_option("--format", format_, "text or json (text)")
        ->type_name("FORMAT")
        ->check(one_of({"text", "json"}));
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    for (const std::string& path : paths_) {
      if (auto looked = look(path); !looked) {
        print_error(looked.error());
        return kUsage;
      }
    }
    if (format_ == "json") {
      print_data();
    } else {
      print_text();
    }
    if (files_ == 0 && found_.empty() && !has_left_out_) {
      std::cerr << "warning: there is no file with a name that rules know: Dockerfile, "
                   "requirements.txt, go.mod, package.json, CMakeLists.txt, compose.yml, *.sh, "
                   "*.cpp\n";
    }
    return count(gpu::Severity::error) > 0 ? kOtherError : kOk;
  }

 private:
  Result<void> look(const std::string& path) {
    std::error_code problem;
    if (fs::is_directory(path, problem)) return look_into(path);
    if (!fs::exists(path, problem))
      return Error(ErrorCode::usage, "PATH: there is no '" + path + "'");
    if (gpu::kind_of_file(path) == gpu::FileKind::none && !path.ends_with(".s")) {
      return Error(ErrorCode::usage, "PATH: no rules for a file of the name '" + path + "'")
          .hint(
              "rules are chosen by names: Dockerfile, requirements.txt, go.mod, package.json, "
              "CMakeLists.txt, compose.yml, *.sh, *.cpp");
    }
    return look_at(path);
  }

  Result<void> look_into(const std::string& folder) {
    std::vector<std::string> files;
    std::error_code problem;
    auto entry = fs::recursive_directory_iterator(
        folder, fs::directory_options::skip_permission_denied, problem);
    for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
      const std::string name = entry->path().filename().string();
      std::error_code ignored;
      if (entry->is_directory(ignored)) {
        if (std::ranges::find(kLeftOut, name) != std::end(kLeftOut))
          entry.disable_recursion_pending();
        continue;
      }
      if (!entry->is_regular_file(ignored)) continue;
      const std::string path = entry->path().lexically_normal().string();
      if (gpu::kind_of_file(path) != gpu::FileKind::none || name.ends_with(".s"))
        files.push_back(path);
    }
    if (problem)
      return Error(ErrorCode::usage, "PATH: '" + folder + "' cannot be read: " + problem.message());
    std::ranges::sort(files);
    for (const std::string& one : files) GS_TRY_VOID(look_at(one));
    return {};
  }

  Result<void> look_at(const std::string& path) {
    std::error_code problem;
    if (fs::file_size(path, problem) > kLargest) {
      std::cerr << "warning: " << path << " is larger than 1 MiB and was left out\n";
      return {};
    }
    if (path.ends_with(".s")) {
      add(gpu::scan_name(path, siblings_of(path)));
      return {};
    }
    ++files_;
    const std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (!file || (text << file.rdbuf(), file.bad()))
      return Error(ErrorCode::usage, "PATH: '" + path + "' cannot be read");
    if (text.str().find('\0') != std::string::npos) {
      std::cerr << "warning: " << path << " is no text and was left out\n";
      --files_;
      has_left_out_ = true;
      return {};
    }
    GS_TRY(auto found, gpu::scan_text(path, text.str()));
    add(std::move(found));
    return {};
  }

  static std::vector<std::string> siblings_of(const std::string& path) {
    std::vector<std::string> names;
    std::error_code problem;
    const fs::path parent = fs::path(path).parent_path();
    for (fs::directory_iterator entry(parent.empty() ? "." : parent, problem), end;
         !problem && entry != end;
         entry.increment(problem))
      names.push_back(entry->path().filename().string());
    return names;
  }

  void add(std::vector<gpu::PortingFinding> found) {
    std::ranges::move(found, std::back_inserter(found_));
  }

  [[nodiscard]] std::size_t count(gpu::Severity severity) const {
    return static_cast<std::size_t>(
        std::ranges::count(found_, severity, &gpu::PortingFinding::severity));
  }

  void print_text() const {
    for (const gpu::PortingFinding& one : found_) {
      std::cout << one.path << ":" << one.line << ":" << one.column << ": "
                << gpu::severity_name(one.severity) << " " << one.rule << ": '" << one.found
                << "': " << one.message << "\n    fix: " << one.fix << "\n";
    }
    std::cout << files_ << (files_ == 1 ? " file: " : " files: ") << count(gpu::Severity::error)
              << " must be changed, " << count(gpu::Severity::warning) << " should, "
              << count(gpu::Severity::note) << " to know\n";
  }

  void print_data() const {
    List results;
    for (const gpu::PortingFinding& one : found_) {
      results.push_back(Value::map({{"ruleId", one.rule},
                                    {"level", gpu::severity_name(one.severity)},
                                    {"file", one.path},
                                    {"line", one.line},
                                    {"column", one.column},
                                    {"found", one.found},
                                    {"message", one.message},
                                    {"fix", one.fix}}));
    }
    const Value data = Value::map({{"files", files_},
                                   {"errors", count(gpu::Severity::error)},
                                   {"warnings", count(gpu::Severity::warning)},
                                   {"notes", count(gpu::Severity::note)},
                                   {"results", Value(std::move(results))}});
    JsonStyle style;
    style.indent = 4;
    style.ensure_ascii = false;
    std::cout << to_json(data, style) << "\n";
  }

  CLI::App* command_ = nullptr;
  CLI::App* scan_ = nullptr;
  std::vector<std::string> paths_;
  std::string format_ = "text";
  std::size_t files_ = 0;
  bool has_left_out_ = false;
  std::vector<gpu::PortingFinding> found_;
};

}  // namespace

std::unique_ptr<Verb> make_porting() { return std::make_unique<PortingVerb>(); }

}  // namespace gpustack::cli
