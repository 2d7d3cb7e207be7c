#include "core/base/json.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/gpu_verbs.hpp"
#include "core/cli/image_targets.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

namespace gpustack::cli {

namespace {

class ImageVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand("image", "Look at container images");
    command_->require_subcommand(1);
    check_ = command_->add_subcommand(
        "check", "Say whether an image runs on hosts or platforms, before it is deployed");
    auto* name = check_->add_option("image", name_, "The image")->type_name("IMAGE");
    check_
        ->add_option("--source",
                     source_,
                     "auto, docker, podman, layout or registry (auto: an engine of this machine "
                     "that has it, else the registry)")
        ->type_name("KIND")
        ->check(one_of({"auto", "docker", "podman", "layout", "registry"}));
    auto* layout =
        check_->add_option("--path", layout_, "Folder of an OCI layout")->type_name("FOLDER");
    check_
        ->add_option("--manifest",
                     manifest_,
                     "A file with the image index, or what 'docker image inspect' prints")
        ->type_name("FILE")
        ->excludes(layout);
    check_->add_flag("--plain-http", plain_http_, "Speak to the registry without TLS");
    check_->add_option("--registry-ca", registry_ca_, "PEM file that vouches for the registry")
        ->type_name("FILE");
    check_->add_option("--format", format_, "text or json (text)")
        ->type_name("FORMAT")
        ->check(one_of({"text", "json"}));
    add_target_options(*check_, targets_);
    name->required(false);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    if (name_.empty() && layout_.empty() && manifest_.empty()) {
      print_error(Error(ErrorCode::usage, "'check' needs IMAGE, --path or --manifest")
                      .hint("'gpustack image check --help' tells more"));
      return kUsage;
    }
    const auto targets = image_targets(targets_);
    if (!targets) {
      print_error(targets.error());
      return kUsage;
    }
    if (targets->all.empty()) return targets->code;
    const auto image = find_image();
    if (!image) {
      print_error(image.error());
      return code_of(image.error());
    }
    return judge(*image, *targets);
  }

 private:
  static int code_of(const Error& error) {
    switch (error.code()) {
      case ErrorCode::usage:
      case ErrorCode::invalid_argument:
      case ErrorCode::missing_argument:
      case ErrorCode::argument_conflict:
        return kUsage;
      default:
        return kOtherError;
    }
  }

  [[nodiscard]] Result<gpu::ImageAnswer> find_image() const {
    if (manifest_.empty()) return gpu::ask_image(arguments());
    const std::ifstream file(manifest_, std::ios::binary);
    std::ostringstream text;
    if (!file || !(text << file.rdbuf()))
      return Error(ErrorCode::usage, "--manifest: '" + manifest_ + "' cannot be read");
    auto image = gpu::read_image(text.str(), name_.empty() ? manifest_ : name_);
    if (!image) return as_usage(image.error(), "--manifest " + manifest_);
    return image;
  }

  [[nodiscard]] Value arguments() const {
    Value out{Map()};
    if (!name_.empty()) out.set("name", name_);
    if (!layout_.empty()) out.set("path", layout_);
    out.set("source", source_);
    if (plain_http_) out.set("plain_http", true);
    if (!registry_ca_.empty()) out.set("registry_ca", registry_ca_);
    return out;
  }

  int judge(const gpu::ImageAnswer& image, const Targets& targets) const {
    std::vector<gpu::ImageVerdict> verdicts;
    for (const gpu::ImageTarget& one : targets.all) {
      auto verdict = gpu::judge_image(image, one);
      if (!verdict) {
        print_error(verdict.error());
        return kUsage;
      }
      verdicts.push_back(std::move(*verdict));
    }
    if (format_ == "json") {
      JsonStyle style;
      style.indent = 4;
      std::cout << to_json(gpu::image_data(image, verdicts), style) << "\n";
    } else {
      std::cout << gpu::image_text(image, verdicts);
    }
    const bool has_failed = std::ranges::any_of(
        verdicts, [](const gpu::ImageVerdict& one) { return one.status == "fail"; });
    return targets.code != kOk ? targets.code : has_failed ? kOtherError : kOk;
  }

  CLI::App* command_ = nullptr;
  CLI::App* check_ = nullptr;
  TargetOptions targets_;
  std::string name_;
  std::string source_ = "auto";
  std::string layout_;
  std::string manifest_;
  std::string registry_ca_;
  std::string format_ = "text";
  bool plain_http_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_image() { return std::make_unique<ImageVerb>(); }

}  // namespace gpustack::cli
