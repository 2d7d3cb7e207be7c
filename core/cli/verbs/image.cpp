#include "core/base/json.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/given_file.hpp"
#include "core/cli/gpu_verbs.hpp"
#include "core/cli/image_targets.hpp"
#include "core/gpu/image_entrypoint.hpp"
#include "core/gpu/registry_login.hpp"
#include "modules/sdk/text.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>

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
    check_
        ->add_option("--docker-config",
                     login_.config,
                     "Docker's file with credentials of registries "
                     "(~/.docker/config.json); its helpers are asked")
        ->type_name("FILE");
    auto* user =
        check_->add_option("--username", login_.user, "User of the registry")->type_name("NAME");
    check_
        ->add_option("--password-file",
                     password_file_,
                     "A file with the user's password or token; - is stdin; without it "
                     "GPUSTACK_REGISTRY_PASSWORD counts")
        ->type_name("FILE")
        ->needs(user);
    check_
        ->add_option("--entrypoint",
                     entrypoint_,
                     "Look at what the image's first program is built for: yes, no, auto (auto: "
                     "in folders; in engines it takes a container, which never runs)")
        ->type_name("WHETHER")
        ->check(one_of({"auto", "yes", "no"}));
    check_->add_flag("--allow-emulation",
                     allows_emulation_,
                     "Programs that a host's kernel hands to an emulator are a warning");
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
    if (!name_.empty()) {
      if (const auto good = gpu::check_image_name(name_, "IMAGE"); !good) {
        print_error(good.error());
        return kUsage;
      }
    }
    const auto targets = image_targets(targets_);
    if (!targets) {
      print_error(targets.error());
      return kUsage;
    }
    if (targets->all.empty()) return targets->code;
    auto image = find_image();
    if (!image) {
      print_error(image.error());
      return code_of(image.error());
    }
    if (const auto looked = look_inside(*image); !looked)
      image->notes.push_back("its first program was not looked at: " + looked.error().message());
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
    if (manifest_.empty()) {
      GS_TRY(const Value question, arguments());
      return gpu::ask_image(question);
    }
    GS_TRY(const std::string text,
           given_file("--manifest",
                      manifest_,
                      "it takes an image index, or what 'docker image inspect' prints"));
    auto image = gpu::read_image(text, name_.empty() ? manifest_ : name_);
    if (!image) return as_usage(image.error(), "--manifest " + manifest_);
    return image;
  }

  /// A password never stands on the command line, where every user of the machine reads it.
  [[nodiscard]] Result<std::string> password() const {
    if (!password_file_.empty()) {
      GS_TRY(const std::string text,
             given_file("--password-file", password_file_, "it holds the password, nothing else"));
      return std::string(modules::trim(text));
    }
    const char* given = std::getenv("GPUSTACK_REGISTRY_PASSWORD");
    if (given != nullptr && *given != '\0') return std::string(given);
    return Error(ErrorCode::usage, "--username needs a password")
        .hint("give --password-file, or set GPUSTACK_REGISTRY_PASSWORD");
  }

  [[nodiscard]] Result<void> add_login(Value& out) const {
    if (!login_.user.empty()) {
      GS_TRY(std::string secret, password());
      out.set("username", login_.user);
      out.set("password", std::move(secret));
      return {};
    }
    if (name_.empty() || source_ == "layout" || source_ == "docker" || source_ == "podman")
      return {};
    GS_TRY(const auto login, gpu::registry_login(name_, login_.config));
    if (!login) return {};
    out.set("username", login->user);
    out.set("password", login->password);
    return {};
  }

  /// What the first program is built for counts more than what a manifest says of it.
  Result<void> look_inside(gpu::ImageAnswer& image) const {
    if (entrypoint_ == "no") return {};
    if (image.where == "layout") return gpu::look_into_layout(layout_, image);
    const bool is_engine = image.where == "docker" || image.where == "podman";
    if (is_engine && entrypoint_ == "yes") return gpu::look_into_engine(image.where, image);
    if (entrypoint_ == "yes")
      return Error(ErrorCode::usage, "only folders and engines show an image's files");
    return {};
  }

  [[nodiscard]] Result<Value> arguments() const {
    Value out{Map()};
    GS_TRY_VOID(add_login(out));
    if (!name_.empty()) out.set("name", name_);
    if (!layout_.empty()) out.set("path", layout_);
    out.set("source", source_);
    if (plain_http_) out.set("plain_http", true);
    if (!registry_ca_.empty()) out.set("registry_ca", registry_ca_);
    return out;
  }

  [[nodiscard]] int judge(const gpu::ImageAnswer& image, const Targets& targets) const {
    std::vector<gpu::ImageVerdict> verdicts;
    for (const gpu::ImageTarget& one : targets.all) {
      auto verdict = gpu::judge_image(image, one, allows_emulation_);
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
  std::string entrypoint_ = "auto";
  std::string password_file_;
  struct {
    std::string config;
    std::string user;
  } login_;
  bool plain_http_ = false;
  bool allows_emulation_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_image() { return std::make_unique<ImageVerb>(); }

}  // namespace gpustack::cli
