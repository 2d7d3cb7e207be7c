#include "core/gpu/build_advice.hpp"

#include "core/base/json.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/given_file.hpp"
#include "core/cli/gpu_verbs.hpp"
#include "core/cli/image_targets.hpp"
#include "modules/builtin/support/image_platforms.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace gpustack::cli {

namespace {

namespace fs = std::filesystem;

class BuildAdviceVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand(
        "build-advice", "Say how an image is best built: natively, by a cross compiler, emulated");
    command_->add_option("path", path_, "A Dockerfile, or a folder with one (.)")
        ->type_name("PATH");
    command_->add_option("--builder", builder_, "Platform that builds (this machine's)")
        ->type_name("PLATFORM");
    command_->add_option("--engine", engine_, "docker or buildah (docker)")
        ->type_name("NAME")
        ->check(one_of({"docker", "buildah"}));
    command_->add_option("-t,--tag", tag_, "What the image shall be called")->type_name("NAME");
    command_
        ->add_option("--emulator",
                     emulator_,
                     "yes or no: whether the builder runs programs of the target (auto: by "
                     "/proc/sys/fs/binfmt_misc of this machine)")
        ->type_name("WHETHER")
        ->check(one_of({"auto", "yes", "no"}));
    command_->add_option("--format", format_, "text or json (text)")
        ->type_name("FORMAT")
        ->check(one_of({"text", "json"}));
    add_target_options(*command_, targets_);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    const auto dockerfile = read_dockerfile();
    if (!dockerfile) {
      print_error(dockerfile.error());
      return kUsage;
    }
    const auto builder =
        modules::ImagePlatform::parse(builder_.empty() ? own_platform() : builder_);
    if (!builder) {
      print_error(as_usage(builder.error(), "--builder"));
      return kUsage;
    }
    const auto targets = image_targets(targets_);
    if (!targets) {
      print_error(targets.error());
      return kUsage;
    }
    if (targets->all.empty()) return targets->code;
    const gpu::BuildQuestion question = question_for(builder->text(), *targets);
    const gpu::BuildAdvice advice =
        gpu::advise_build(question, gpu::work_of_dockerfile(*dockerfile));
    if (format_ == "json") {
      JsonStyle style;
      style.indent = 4;
      std::cout << to_json(gpu::advice_data(question, advice), style) << "\n";
    } else {
      std::cout << gpu::advice_text(question, advice);
    }
    return targets->code;
  }

 private:
  [[nodiscard]] Result<std::string> read_dockerfile() {
    std::error_code problem;
    std::string path = path_;
    if (fs::is_directory(path, problem)) {
      path.clear();
      for (const char* name : {"Dockerfile", "Containerfile"}) {
        const std::string one = (fs::path(path_) / name).lexically_normal().string();
        if (path.empty() && fs::is_regular_file(one, problem)) path = one;
      }
      if (path.empty()) {
        return Error(ErrorCode::usage, "PATH: there is no Dockerfile in '" + path_ + "'")
            .hint("name the file itself where it is called otherwise");
      }
      folder_ = path_;
    } else {
      const std::string parent = fs::path(path).parent_path().string();
      folder_ = "-f " + path + " " + (parent.empty() ? "." : parent);
    }
    GS_TRY(std::string text, given_file("PATH", path, "expected a Dockerfile, or its folder"));
    if (gpu::work_of_dockerfile(text).stages.empty()) {
      return Error(ErrorCode::usage, "PATH: '" + path + "' is no Dockerfile: it has no FROM")
          .hint("a Dockerfile begins with the image it is made from, FROM ubuntu:24.04");
    }
    return text;
  }

  [[nodiscard]] gpu::BuildQuestion question_for(const std::string& builder,
                                                const Targets& targets) const {
    gpu::BuildQuestion question;
    question.builder = builder;
    question.tag = tag_;
    question.folder = folder_;
    question.has_buildah = engine_ == "buildah";
    for (const gpu::ImageTarget& one : targets.all) {
      if (std::ranges::find(question.targets, one.platform) == question.targets.end())
        question.targets.push_back(one.platform);
      const bool can_build =
          one.facts.is_map() &&
          gpu::without_variant(one.platform) != gpu::without_variant(builder) &&
          !gpu::fact_text(one.facts, question.has_buildah ? "runtime.podman" : "runtime.docker")
               .empty();
      if (can_build && question.native_host.empty()) question.native_host = one.name;
    }
    question.has_emulator = has_emulator(question);
    return question;
  }

  [[nodiscard]] bool has_emulator(const gpu::BuildQuestion& question) const {
    if (emulator_ != "auto") return emulator_ == "yes";
    return std::ranges::all_of(question.targets, [&](const std::string& target) {
      std::error_code problem;
      return gpu::without_variant(target) == gpu::without_variant(question.builder) ||
             fs::exists("/proc/sys/fs/binfmt_misc/" + gpu::emulator_of(target), problem);
    });
  }

  CLI::App* command_ = nullptr;
  TargetOptions targets_;
  std::string path_ = ".";
  std::string folder_ = ".";
  std::string builder_;
  std::string engine_ = "docker";
  std::string tag_ = "IMAGE";
  std::string emulator_ = "auto";
  std::string format_ = "text";
};

}  // namespace

std::unique_ptr<Verb> make_build_advice() { return std::make_unique<BuildAdviceVerb>(); }

}  // namespace gpustack::cli
