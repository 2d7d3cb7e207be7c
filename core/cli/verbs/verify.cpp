#include "core/base/json.hpp"
#include "core/base/suggest.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/gathered_facts.hpp"
#include "core/cli/given_file.hpp"
#include "core/cli/verbs.hpp"
#include "core/gpu/check_report.hpp"
#include "core/gpu/declared_images.hpp"
#include "core/gpu/image_check.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace gpustack::cli {

namespace {

/// The verdict on hosts that answered.
constexpr int kCheckFailed = 1;
constexpr int kCheckWarned = 2;

class VerifyVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand(
        "verify", "Go through the compatibility checklist of hosts; nothing is changed");
    std::vector<std::string> profiles{"auto"};
    for (const gpu::VerifyProfile& one : gpu::verify_profiles()) profiles.emplace_back(one.name);
    command_->add_option("--profile", profile_, "What a host has to be (auto: by its facts)")
        ->type_name("NAME")
        ->check(one_of(profiles));
    command_->add_flag("--list-profiles", list_profiles_, "Name the profiles, do nothing else");
    command_->add_option("--format", format_, "table, json or junit (table)")
        ->type_name("FORMAT")
        ->check(one_of({"table", "json", "junit"}));
    command_->add_option("--file", wishes_.files, "A file that has to be there; may be given again")
        ->type_name("PATH")
        ->allow_extra_args(false);
    command_
        ->add_option("--image",
                     wishes_.images,
                     "An image that has to run there, or the folder of an OCI layout; may be given "
                     "again")
        ->type_name("IMAGE")
        ->allow_extra_args(false);
    command_->add_option("--compose", compose_, "A compose file, whose images have to run there")
        ->type_name("FILE")
        ->allow_extra_args(false);
    command_
        ->add_option("--container",
                     wishes_.container,
                     "Run a container of this image, which has to be on the host, that looks for "
                     "the GPU")
        ->type_name("IMAGE");
    command_->add_flag("--strict", strict_, "Warnings count: end with 2");
    add_facts_options(*command_, options_);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    if (list_profiles_) return print_profiles();
    if (auto named = need_hosts(options_, "verify"); !named) {
      print_error(named.error());
      return kUsage;
    }
    if (auto declared = read_compose_files(); !declared) {
      print_error(declared.error());
      return kUsage;
    }
    const ProbedHosts probed = probe_hosts(options_, gpu::probes_for(asked_of_hosts()));
    if (probed.hosts.empty() && probed.code != kOk) return probed.code;
    const Value images = images_found_here();
    std::vector<gpu::CheckedHost> checked;
    for (const ProbedHost& one : probed.hosts) {
      const gpu::VerifyProfile* named = gpu::verify_profile(profile_);
      checked.push_back(
          gpu::check_host({one.facts,
                           named != nullptr ? *named : gpu::profile_for(one.facts.platform),
                           one.probes,
                           wishes_,
                           images}));
    }
    print(checked);
    return verdict(probed.code, checked);
  }

 private:
  Result<void> read_compose_files() {
    const gpu::Variables variables = [](const std::string& name) -> std::optional<std::string> {
      const char* value = std::getenv(name.c_str());
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    for (const std::string& path : compose_) {
      GS_TRY(const std::string text, given_file("--compose", path, "expected a compose file"));
      GS_TRY(auto images, gpu::declared_images(path, text, variables));
      for (std::string& image : images) wishes_.images.push_back(std::move(image));
    }
    for (const std::string& image : wishes_.images) {
      if (!is_layout(image)) GS_TRY_VOID(gpu::check_image_name(image, "--image"));
    }
    if (command_->count("--container") > 0)
      GS_TRY_VOID(gpu::check_image_name(wishes_.container, "--container"));
    for (const std::string& file : wishes_.files) {
      if (!file.starts_with('/'))
        return Error(ErrorCode::usage, "--file: expected a path on the host, found '" + file + "'")
            .hint("it begins with a slash, as /etc/nvidia/gridd.conf does");
    }
    return {};
  }

  /// A folder of ours is none of the host's.
  static bool is_layout(const std::string& image) {
    std::error_code problem;
    return image.find('/') != std::string::npos && std::filesystem::is_directory(image, problem);
  }

  [[nodiscard]] gpu::CheckWishes asked_of_hosts() const {
    gpu::CheckWishes wishes = wishes_;
    std::erase_if(wishes.images, is_layout);
    return wishes;
  }

  /// Hosts look for images themselves: in their engine, else in the registry. For recorded ones
  /// this machine does. @return by the image's name, as container_image_info tells it
  [[nodiscard]] Value images_found_here() const {
    Value found;
    for (const std::string& image : wishes_.images) {
      if (options_.from.empty() && !is_layout(image)) continue;
      Value question{Map()};
      question.set(is_layout(image) ? "path" : "name", image);
      const auto answer = gpu::ask_image(question);
      Value told = Value::map({{"found", true}});
      if (!answer) {
        told = Value::map({{"failed", true}, {"msg", answer.error().message()}});
      } else {
        List platforms;
        for (const std::string& one : answer->platforms) platforms.emplace_back(one);
        told.set("platforms", Value(std::move(platforms)));
        told.set("source", answer->where);
      }
      if (found.is_null()) found = Value(Map());
      found.set(image, std::move(told));
    }
    return found;
  }

  static int print_profiles() {
    for (const gpu::VerifyProfile& one : gpu::verify_profiles()) {
      constexpr std::size_t kWidth = 18;
      std::cout << one.name << std::string(kWidth - one.name.size(), ' ') << one.summary << "\n";
    }
    return kOk;
  }

  void print(const std::vector<gpu::CheckedHost>& checked) const {
    if (format_ == "table") {
      std::cout << gpu::check_table(checked);
    } else if (format_ == "junit") {
      std::cout << gpu::check_junit(checked);
    } else {
      JsonStyle style;
      style.indent = 4;
      std::cout << to_json(gpu::check_data(checked), style) << "\n";
    }
  }

  /// Hosts that cannot be reached say more than those that fail a check.
  [[nodiscard]] int verdict(int code, const std::vector<gpu::CheckedHost>& checked) const {
    if (code != kOk && code != kFailedHosts) return code;
    bool has_warned = false;
    bool has_failed = code == kFailedHosts;
    for (const gpu::CheckedHost& one : checked) {
      has_failed = has_failed || one.count(gpu::CheckStatus::fail) > 0;
      has_warned = has_warned || one.count(gpu::CheckStatus::warn) > 0;
    }
    if (has_failed) return kCheckFailed;
    return has_warned && strict_ ? kCheckWarned : kOk;
  }

  CLI::App* command_ = nullptr;
  FactsOptions options_;
  std::string profile_ = "auto";
  std::string format_ = "table";
  gpu::CheckWishes wishes_;
  std::vector<std::string> compose_;
  bool strict_ = false;
  bool list_profiles_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_verify() { return std::make_unique<VerifyVerb>(); }

}  // namespace gpustack::cli
